//! `vestibule keys recover`.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;

use crate::{
    cli::{Failure, output},
    config::Config,
    domain::{UnixTime, audit_event::RequestContext},
    flows::open::recover::{RecoverError, recover},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Recover {
    /// Confirm that the root secret is lost, or that somebody else has it
    #[arg(long, required = true)]
    lost_secret: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Recover {
    /// Replaces the root secret and the keys, and prints the result. Asks for confirmation if stdin is a terminal and `--yes`
    /// is not given. Fails if the user does not confirm.
    pub(in crate::cli) async fn run(self, config: &Config, now: UnixTime) -> Result<(), Failure> {
        if !self.yes && io::stdin().is_terminal() {
            confirm()?;
        }
        let recovered = recover(config, &RequestContext::command_line(now)).await.map_err(|error| match error {
            RecoverError::Open(error) => error.into(),
            other => Failure::of(&other),
        })?;
        let mut lines = vec![format!(
            "everybody is signed out: {} sessions ended, {} devices forgotten; users and passwords are unchanged",
            recovered.sessions, recovered.devices
        )];
        lines.extend(recovered.kid.map(|kid| format!("{kid} signs from now on")));
        lines.extend(
            recovered.file.map(|file| format!("{} contains a new root secret; keep a copy of it", file.display())),
        );
        lines.extend(recovered.foreign.map(|file| {
            format!("the earlier secret file belongs to another database; it was renamed to {}", file.display())
        }));
        output::print(&lines.join("\n"))
    }
}

/// Asks for confirmation on stderr. Fails for any answer except `y` and `yes`.
fn confirm() -> Result<(), Failure> {
    write!(io::stderr(), "Sign everybody out and start over with new keys? This can't be undone. [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new("nothing was changed")),
    }
}

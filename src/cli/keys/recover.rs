//! `vestibule keys recover`.

use clap::Args;

use crate::{
    cli::{Failure, confirm::Confirmation, output},
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
    #[command(flatten)]
    confirmation: Confirmation,
}

impl Recover {
    /// Replaces the root secret and the keys, and prints the result. Fails if this is not confirmed.
    pub(in crate::cli) async fn run(self, config: &Config, now: UnixTime) -> Result<(), Failure> {
        self.confirmation.ask("Sign everybody out and start over with new keys?")?;
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

//! `vestibule restore`: replaces the database by a copy.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    Failure,
    confirm::Confirmation,
    failure::{chain, remedy_of_space},
    output,
};
use crate::{
    clock::Clock,
    config::Config,
    domain::audit_event::RequestContext,
    flows::backup::restore::{Plan, RestoreError, Restored},
    store::restored::Undone,
};

/// The number of names in one line.
const NAMED: usize = 50;

/// The arguments.
#[derive(Args)]
pub(super) struct Restore {
    /// The copy, which `vestibule backup` or the server has made
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Do not end the sessions and links of the copy: what was signed out since the copy was made is signed in again
    #[arg(long)]
    keep_sessions: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl Restore {
    /// Replaces the database, and prints what has changed. Asks only if there is a database already.
    pub(super) async fn run(self, config: &Config, clock: &Clock) -> Result<(), Failure> {
        let plan = Plan::new(config, &self.file).map_err(failure)?;
        if plan.replaces {
            let database = plan.database().display();
            self.confirmation.ask_plainly(&format!(
                "Replace the database {database} by {}? The present one is kept under another name.",
                self.file.display()
            ))?;
        }
        let now = clock.now();
        let restored = plan.carry_out(config, self.keep_sessions, &RequestContext::command_line(now)).await;
        let restored = restored.map_err(failure)?;
        // The tokens of this second are ended too, so a server that starts now must not issue one within it.
        while clock.now() <= now {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        output::print(&lines(&restored, self.keep_sessions, config).join("\n"))
    }
}

/// Returns what to print about a restore.
fn lines(restored: &Restored, keeps_sessions: bool, config: &Config) -> Vec<String> {
    let of = restored.copied_at.as_ref().map(|at| format!(" of {at}")).unwrap_or_default();
    let mut lines = vec![format!("the database {} is now the copy{of}", restored.database.display())];
    lines.push(match keeps_sessions {
        true => "the sessions of the copy were kept, also those that were signed out or ended since".to_owned(),
        false => format!(
            "everybody has to sign in again: {} sessions and {} links ended",
            restored.ended.sessions, restored.ended.links
        ),
    });
    lines.extend(
        restored
            .aside
            .as_ref()
            .map(|aside| format!("the replaced database is {}; delete it when you no longer need it", aside.display())),
    );
    match &restored.undone {
        Some(undone) => lines.extend(undone_lines(undone)),
        None => lines.push(
            "the replaced database can't be read, so it is not known which accounts were disabled, deleted or given a new \
             password since the copy: look for them"
                .to_owned(),
        ),
    }
    if restored.secret_is_missing {
        lines.push(format!(
            "the root secret is missing: put the secret.key that was kept with the copy into {} before you start the server; if it \
             is lost, run `vestibule keys recover --lost-secret`",
            config.storage.data_dir.display()
        ));
    }
    lines
}

/// Returns a line for each kind of change that the restore has undone.
fn undone_lines(undone: &Undone) -> Vec<String> {
    let kinds = [
        ("disabled since the copy, and enabled again now", &undone.disabled),
        ("deleted since the copy, and there again now", &undone.deleted),
        ("given a new password since the copy, and have the earlier one now", &undone.new_password),
        ("lost a role or a permission since the copy, and have it again now", &undone.fewer_rights),
        ("added since the copy, and gone now", &undone.added),
        ("clients that were removed or given another secret since the copy, and are as before now", &undone.clients),
    ];
    let named = |names: &[String]| {
        let more = names.len().saturating_sub(NAMED);
        let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if more == 0 { shown } else { format!("{shown} and {more} more") }
    };
    let kinds = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    kinds.map(|(what, names)| super::printable::printable(&format!("{what}: {}", named(names)))).collect()
}

fn failure(error: RestoreError) -> Failure {
    match error {
        RestoreError::Open(error) => error.into(),
        other => {
            let text = chain(&other);
            let remedy = remedy_of_space(&text).unwrap_or_default();
            Failure::new(format!("{text}{remedy}; nothing was changed"))
        }
    }
}

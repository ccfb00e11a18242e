//! `vestibule session`: the live sessions of users.

mod list;
mod revoke;

use clap::Subcommand;

use crate::{cli::Failure, flows::Vestibule};

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the live sessions, the most recently used first
    #[command(after_help = "Example:
  vestibule session list ada --json")]
    List(list::List),
    /// End one session, all sessions of a user, or all sessions
    #[command(after_help = "Examples:
  vestibule session revoke 01890a5d-ac96-774b-bcce-b302099a8057
  vestibule session revoke --user ada")]
    Revoke(revoke::Revoke),
}

impl Command {
    /// Runs the command.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(vestibule).await,
            Self::Revoke(command) => command.run(vestibule).await,
        }
    }
}

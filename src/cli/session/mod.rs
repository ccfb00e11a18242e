//! `vestibule session`: who is signed in where.

mod list;
mod revoke;

use clap::Subcommand;

use crate::{cli::Failure, flows::Vestibule};

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the live sessions, latest use first
    #[command(after_help = "Example:
  vestibule session list ada --json")]
    List(list::List),
    /// End one session, those of a user, or all
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

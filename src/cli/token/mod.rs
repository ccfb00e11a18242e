//! `vestibule token`: tokens of this server.

mod inspect;

use clap::Subcommand;

use super::Failure;
use crate::flows::Vestibule;

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Decode a token, check it, and say why it is not accepted
    #[command(after_help = "Example:
  vestibule token inspect < token.txt")]
    Inspect(inspect::Inspect),
}

impl Command {
    /// Runs the command.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        match self {
            Self::Inspect(command) => command.run(vestibule).await,
        }
    }
}

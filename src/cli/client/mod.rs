//! `vestibule client`: the applications that sign users in. Clients exist only in the configuration file.

mod list;
mod secret;

use clap::Subcommand;

use super::Failure;
use crate::config::Clients;

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the configured clients
    #[command(after_help = "Example:
  vestibule client list --json")]
    List(list::List),
    /// Generate a secret for a client and print it once, with the secret_hash to configure
    #[command(after_help = "Example:
  vestibule client secret backend")]
    Secret(secret::Secret),
}

impl Command {
    /// Runs the command.
    pub(super) fn run(self, clients: &Clients) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(clients),
            Self::Secret(command) => command.run(clients),
        }
    }
}

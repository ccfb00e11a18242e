//! `vestibule client`: the clients, which are the applications through which users log in. They are defined only in the
//! configuration; no command changes them.

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

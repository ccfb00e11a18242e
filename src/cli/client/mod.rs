//! `vestibule client`: the clients, which are the applications through which users log in. Those of the configuration are
//! changed only there; the commands add others to the database.

mod add;
mod list;
mod remove;
mod secret;
mod show;

use clap::Subcommand;

use super::Failure;
use crate::{config::Clients, flows::Vestibule};

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the clients
    #[command(after_help = "Example:
  vestibule client list --json")]
    List(list::List),
    /// Print one client
    #[command(after_help = "Example:
  vestibule client show default")]
    Show(show::Show),
    /// Add a client, which is in force at once, and print its secret once
    #[command(after_help = "Examples:
  vestibule client add reports --scope reports:read --grant password
  vestibule client add shop --name 'The shop' --public")]
    Add(add::Add),
    /// Generate a secret for a client and print it once; for a client of the configuration, with the secret_hash to configure
    #[command(after_help = "Example:
  vestibule client secret backend")]
    Secret(secret::Secret),
    /// Remove a client that was added with `client add`; ends its sessions
    #[command(after_help = "Example:
  vestibule client remove shop")]
    Remove(remove::Remove),
}

impl Command {
    /// Returns whether the command works without a database, with the clients of the configuration alone.
    pub(super) fn works_without_database(&self) -> bool {
        matches!(self, Self::List(_) | Self::Secret(_))
    }

    /// Runs a command that works without a database.
    pub(super) fn run_without_database(self, clients: &Clients) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.print(clients.iter(), &[]),
            Self::Secret(command) => command.generate(clients),
            Self::Show(_) | Self::Add(_) | Self::Remove(_) => unreachable!("these need a database"),
        }
    }

    /// Runs the command.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(vestibule).await,
            Self::Show(command) => command.run(vestibule).await,
            Self::Add(command) => command.run(vestibule).await,
            Self::Secret(command) => command.run(vestibule).await,
            Self::Remove(command) => command.run(vestibule).await,
        }
    }
}

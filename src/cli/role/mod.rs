//! `vestibule role`: the roles, which are named sets of permissions.

mod invalidated_tokens;
mod list;
mod remove;
mod set;

use clap::Subcommand;

use crate::{cli::Failure, flows::Vestibule};

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print all roles with their permissions
    #[command(after_help = "Example:
  vestibule role list --json")]
    List(list::List),
    /// Replace the permissions of a role; creates the role if it does not exist
    #[command(after_help = "Example:
  vestibule role set editor posts:read posts:write")]
    Set(set::Set),
    /// Give a role more permissions; creates the role if it does not exist
    #[command(after_help = "Example:
  vestibule role add editor posts:delete")]
    Add(set::Single),
    /// Take permissions away from a role
    #[command(after_help = "Example:
  vestibule role drop editor posts:delete")]
    Drop(set::Single),
    /// Delete a role and remove it from all users
    #[command(after_help = "Example:
  vestibule role remove editor")]
    Remove(remove::Remove),
}

impl Command {
    /// Runs the command.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(vestibule).await,
            Self::Set(command) => command.run(vestibule).await,
            Self::Add(command) => command.add(vestibule).await,
            Self::Drop(command) => command.drop(vestibule).await,
            Self::Remove(command) => command.run(vestibule).await,
        }
    }
}

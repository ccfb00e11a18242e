//! `vestibule user`: the accounts of users.

mod accounts_file;
mod add;
mod claim;
mod csv_rows;
mod delete;
mod disable;
mod enable;
mod export;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod import;
mod link;
mod list;
mod passwd;
mod row_problems;
mod set;
mod show;

use clap::Subcommand;

use crate::{cli::Failure, flows::Vestibule};

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a user; prompts for the password, reads it from stdin, or generates it
    #[command(after_help = "Examples:
  vestibule user add admin --role admin --generate
  vestibule user add ada --email ada@example.com --claim 'tenant=\"acme\"' --password-stdin < password.txt")]
    Add(add::Add),
    /// Add the users of a CSV file or of JSON lines, all or none; see docs/moving
    #[command(after_help = "Examples:
  vestibule user import users.csv --dry-run
  vestibule user import users.jsonl --on-conflict skip")]
    Import(import::Import),
    /// Print all users in the format that `user import` reads
    #[command(after_help = "Examples:
  vestibule user export > users.jsonl
  vestibule user export --with-hashes --format csv > users.csv")]
    Export(export::Export),
    /// Print all users
    #[command(after_help = "Example:
  vestibule user list --json")]
    List(list::List),
    /// Print one user
    #[command(after_help = "Example:
  vestibule user show ada@example.com")]
    Show(show::Show),
    /// Change the names, roles, permissions, claims or password of a user
    #[command(
        override_usage = "vestibule user set <NAME> <OPTIONS>",
        after_help = "Example:
  vestibule user set ada --role editor --no-role guest"
    )]
    Set(set::Set),
    /// Change the password of a user; ends all sessions of the user
    #[command(after_help = "Example:
  vestibule user passwd ada --generate")]
    Passwd(passwd::Passwd),
    /// Print a link with which a user chooses a first password; creates a user who is absent
    #[command(after_help = "Example:
  vestibule user invite grace --email grace@example.com")]
    Invite(link::Invite),
    /// Print a link with which a user chooses a new password
    #[command(after_help = "Example:
  vestibule user reset ada")]
    Reset(link::Reset),
    /// Prevent a user from signing in; ends all sessions of the user
    #[command(after_help = "Example:
  vestibule user disable ada")]
    Disable(disable::Disable),
    /// Allow a disabled user to sign in again
    #[command(after_help = "Example:
  vestibule user enable ada")]
    Enable(enable::Enable),
    /// Delete a user, with all sessions and devices of the user
    #[command(after_help = "Example:
  vestibule user delete ada --yes")]
    Delete(delete::Delete),
}

impl Command {
    /// Returns whether the command creates the database if it is absent. Others would look for users in an empty one.
    pub(super) fn creates_database(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Import(_))
    }

    /// Returns whether the command imports users.
    pub(super) fn imports(&self) -> bool {
        matches!(self, Self::Import(_))
    }

    /// Returns whether the command is a dry run, which checks a file and works without a database.
    pub(super) fn is_dry_run(&self) -> bool {
        matches!(self, Self::Import(import) if import.is_dry_run())
    }

    /// Runs the command.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(vestibule).await,
            Self::Import(command) => command.run(vestibule).await,
            Self::Export(command) => command.run(vestibule).await,
            Self::List(command) => command.run(vestibule).await,
            Self::Show(command) => command.run(vestibule).await,
            Self::Set(command) => command.run(vestibule).await,
            Self::Passwd(command) => command.run(vestibule).await,
            Self::Invite(command) => command.run(vestibule).await,
            Self::Reset(command) => command.run(vestibule).await,
            Self::Disable(command) => command.run(vestibule).await,
            Self::Enable(command) => command.run(vestibule).await,
            Self::Delete(command) => command.run(vestibule).await,
        }
    }
}

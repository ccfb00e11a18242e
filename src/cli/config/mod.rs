//! `vestibule config`: prints and checks the configuration.

mod check;
mod show;

use clap::Subcommand;

use super::Failure;
use crate::config::{Loaded, Problems, Profile};

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print every setting with its value and its origin
    #[command(after_help = "Example:
  VESTIBULE_PORT=9000 vestibule config show --json")]
    Show(show::Show),
    /// Check the configuration and print every problem; the exit code is 78 if there is a problem
    #[command(after_help = "Example:
  vestibule config check --config production.toml")]
    Check(check::Check),
}

impl Command {
    /// Returns the profile whose configuration is printed or checked.
    pub(super) fn profile(&self) -> Profile {
        let dev = match self {
            Self::Show(show) => show.dev,
            Self::Check(check) => check.dev,
        };
        if dev { Profile::Dev } else { Profile::Serve }
    }

    /// Runs the command with the loaded configuration.
    pub(super) fn run(&self, loaded: &Loaded) -> Result<(), Failure> {
        match self {
            Self::Show(show) => show.run(&loaded.config.entries),
            // `check` runs only for a valid configuration. For an invalid one, `refuse` runs instead.
            Self::Check(check) => check.run(),
        }
    }

    /// Prints the problems of an invalid configuration on stdout as JSON, for `check --json`. Other commands print nothing
    /// here. The caller prints the problems on stderr. Fails if stdout can't be written.
    pub(super) fn refuse(&self, problems: &Problems) -> Result<(), Failure> {
        match self {
            Self::Show(_) => Ok(()),
            Self::Check(check) => check.refuse(problems),
        }
    }
}

//! `vestibule config`: what is configured, and whether it can be used.

mod check;
mod show;

use clap::Subcommand;

use super::Failure;
use crate::config::{Loaded, Problems, Profile};

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print every setting in force, and where it came from
    #[command(after_help = "Example:
  VESTIBULE_PORT=9000 vestibule config show --json")]
    Show(show::Show),
    /// Say everything that is wrong with the configuration; exit code 78 where something is
    #[command(after_help = "Example:
  vestibule config check --config production.toml")]
    Check(check::Check),
}

impl Command {
    /// The profile that is asked about.
    pub(super) fn profile(&self) -> Profile {
        let dev = match self {
            Self::Show(show) => show.dev,
            Self::Check(check) => check.dev,
        };
        if dev { Profile::Dev } else { Profile::Serve }
    }

    /// Answers from what was loaded.
    pub(super) fn run(&self, loaded: &Loaded) -> Result<(), Failure> {
        match self {
            Self::Show(show) => show.run(&loaded.entries),
            // What is wrong has stopped the command before.
            Self::Check(check) => check.run(),
        }
    }

    /// Answers where nothing could be loaded, beside the lines on stderr.
    pub(super) fn refuse(&self, problems: &Problems) -> Result<(), Failure> {
        match self {
            Self::Show(_) => Ok(()),
            Self::Check(check) => check.refuse(problems),
        }
    }
}

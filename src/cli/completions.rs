//! `vestibule completions`: prints the completions for a shell.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Failure, output};

/// The arguments.
#[derive(Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script that the shell reads.
    pub(super) fn run(self, mut command: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "vestibule", &mut script);
        output::print(String::from_utf8_lossy(&script).trim_end())
    }
}

//! The question that a command asks before a change with large effects.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;

use super::Failure;

/// The option of a command that asks for confirmation.
#[derive(Args)]
pub(super) struct Confirmation {
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Confirmation {
    /// Asks on stderr whether to carry out the command, and reads the answer from stdin. Returns at once if `--yes` was given.
    /// `action` is the question, such as "Delete alice?"; the sentence "This can't be undone." is added to it. Fails for any
    /// answer except `y` and `yes`, and if stdin is not a terminal.
    pub(super) fn ask(&self, action: &str) -> Result<(), Failure> {
        self.ask_plainly(&format!("{action} This can't be undone."))
    }

    /// Asks as [`Confirmation::ask`] does, but does not add the sentence "This can't be undone.": for a command that can be
    /// undone.
    pub(super) fn ask_plainly(&self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Err(Failure::new(
                "stdin is not a terminal, so the command can't be confirmed; nothing was changed. Use --yes to confirm it",
            ));
        }
        write!(io::stderr(), "{question} [y/N] ")?;
        let mut answer = String::new();
        stdin.read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::new("nothing was changed")),
        }
    }
}

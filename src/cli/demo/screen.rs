//! The terminal on which the story is told.

use std::io::{self, BufRead as _};

use crate::cli::{Failure, output};

/// Where the story is told.
pub(super) struct Screen {
    /// Whether the audience answers a question before the story continues.
    pub(super) waits: bool,
}

impl Screen {
    /// Prints a paragraph.
    pub(super) fn say(&self, text: &str) -> Result<(), Failure> {
        output::print(&format!("{text}\n"))
    }

    /// Prints the heading of a step.
    pub(super) fn step(&self, title: &str) -> Result<(), Failure> {
        output::print(&format!("{title}\n{}\n", "-".repeat(title.chars().count())))
    }

    /// Asks what will happen, and waits for the Enter key.
    pub(super) fn ask(&self, question: &str) -> Result<(), Failure> {
        output::print(&format!("? {question}"))?;
        if self.waits {
            output::print("  (press Enter)")?;
            io::stdin().lock().read_line(&mut String::new())?;
        }
        output::print("")
    }
}

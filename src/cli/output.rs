//! What commands print: text and tables for a person, JSON for a program.

use std::io::{self, ErrorKind, Write as _};

use clap::Args;
use comfy_table::{Table, presets};
use serde::Serialize;

use super::{Failure, printable::printable};

/// `--json` of everything that can be read.
#[derive(Args)]
pub(super) struct Format {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

/// Prints lines on stdout, at once.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // Such as `vestibule user list | head`: who reads has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// Prints a value for a program.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Prints columns for a person.
pub(super) fn print_table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.add_rows(rows.into_iter().map(|row| row.map(|cell| printable(&cell))));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    print(&table.trim_fmt())
}

/// Says something beside what was asked for. Goes to stderr, so that it is never taken for the answer.
pub(super) fn note(text: &str) {
    // Nobody is left to be told where that fails.
    writeln!(io::stderr(), "note: {text}").ok();
}

/// What stands for nothing in a table.
pub(super) fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

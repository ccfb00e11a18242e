//! The output of commands: text and tables for a person, JSON for a program.

use std::io::{self, ErrorKind, Write as _};

use clap::Args;
use comfy_table::{Table, presets};
use serde::Serialize;

use super::{Failure, printable::printable};

/// The option `--json` of commands that print data.
#[derive(Args)]
pub(super) struct Format {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

/// Prints the text and a line end on stdout. Returns success if the reader of stdout has closed the pipe.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // For example, `vestibule user list | head` closes the pipe early.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// Prints a value on stdout as indented JSON.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Prints a table on stdout. Control characters in the cells are replaced, so that they can't control the terminal.
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

/// Prints a note on stderr, so that it is not part of the result on stdout.
pub(super) fn note(text: &str) {
    // If stderr can't be written, the error can't be reported anywhere else.
    writeln!(io::stderr(), "note: {text}").ok();
}

/// Returns the text of a table cell: the value, or `-` if there is no value.
pub(super) fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

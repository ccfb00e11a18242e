//! The files of the database, which no command may open beside SQLite.

use std::path::Path;

use super::Failure;
use crate::flows::Vestibule;

/// Refuses the file that a command would read, if it is one of the database. `verb` is what the command does with it. SQLite
/// uses POSIX locks: if such a file was opened here a second time, closing it would release the locks that SQLite has in this
/// process.
pub(super) fn refuse_database(vestibule: &Vestibule, verb: &str, file: &Path) -> Result<(), Failure> {
    match vestibule.is_database(file) {
        true => Err(Failure::new(format!("can't {verb} {}: it is the database", file.display()))),
        false => Ok(()),
    }
}

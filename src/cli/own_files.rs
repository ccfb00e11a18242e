//! The files of the database, which no command may open beside SQLite.

use std::path::Path;

use super::Failure;
use crate::flows::Vestibule;

/// Refuses `file`, which a command is about to read, if it is the database, its `-wal` or its `-shm`. `verb` completes the
/// message "can't … FILE". SQLite uses POSIX locks: if this process opened and closed such a file, the system would release the
/// locks that SQLite has in this process.
pub(super) fn refuse_database(vestibule: &Vestibule, verb: &str, file: &Path) -> Result<(), Failure> {
    match vestibule.is_database(file) {
        true => Err(Failure::new(format!("can't {verb} {}: it is the database", file.display()))),
        false => Ok(()),
    }
}

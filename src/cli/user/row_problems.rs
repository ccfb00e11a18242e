//! The bound of a row of a file of accounts, and what is wrong with a row or with the file.

use std::io::{self, ErrorKind};

use crate::flows::users::import_users::Row;

/// The maximum number of bytes of a row. Some kilobytes more of CSV are accepted, because it is read ahead. The claims of a
/// token have at most a few kilobytes.
pub(super) const MAX_BYTES: u64 = 64 * 1024;

/// Returns a row that has this problem.
pub(super) fn problem(line: u64, problem: &str) -> Row {
    Row { line, record: Err(vec![problem.to_owned()]) }
}

/// Returns the error for a file that can't be imported.
pub(super) fn invalid(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

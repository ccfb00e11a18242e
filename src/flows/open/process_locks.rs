//! The locks and files that a process keeps while the database is open.

use std::fs::File;

use super::data_paths::TemporaryDirectory;

/// The locks and files that a process keeps while the database is open. They are released when this value is dropped.
#[derive(Default)]
pub(crate) struct ProcessLocks {
    /// The lock of the one server. `None` for a command.
    pub(in crate::flows) lock: Option<File>,
    /// The directory of a temporary database, which is deleted when the value is dropped. `None` for a database file.
    pub(in crate::flows) _temporary: Option<TemporaryDirectory>,
}

//! What is held while the database is open.

use std::fs::File;

use super::data_paths::TemporaryDirectory;

/// What is held while the database is open, and let go of when it is closed.
#[derive(Default)]
pub(crate) struct ProcessLocks {
    /// The lock of the one server; none for a command.
    pub(in crate::flows) lock: Option<File>,
    /// Goes with the process.
    pub(in crate::flows) _temporary: Option<TemporaryDirectory>,
}

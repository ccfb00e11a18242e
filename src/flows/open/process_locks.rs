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

/// The mark of a server that runs: its lock file has a length then, and after the server was killed. An error is ignored: a
/// file that can't be read or changed tells nothing.
impl ProcessLocks {
    /// Marks that a server runs.
    pub(super) fn mark_running(&self) {
        self.set_mark(1);
    }

    /// Removes the mark. The database is closed.
    pub(in crate::flows) fn mark_orderly_stop(&self) {
        self.set_mark(0);
    }

    fn set_mark(&self, length: u64) {
        if let Some(lock) = &self.lock {
            lock.set_len(length).ok();
        }
    }
}

/// Returns whether the lock file of the server has the mark of one that was not stopped in an orderly way.
pub(super) fn has_mark(lock: &File) -> bool {
    lock.metadata().is_ok_and(|file| file.len() > 0)
}

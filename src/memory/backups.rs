//! What the server knows about the copies that it makes by itself, for the administration, `/ready` and the metrics.

use std::sync::{Mutex, PoisonError};

use crate::domain::UnixTime;

/// The state of the copies. It begins empty at each start.
#[derive(Clone, Debug, Default)]
pub struct BackupState {
    /// The time at which the newest copy was made; `None` if there is no copy, or if nobody has looked yet.
    pub last: Option<UnixTime>,
    /// The last time at which the newest copy had all changes of the database; `None` as in `last`.
    pub current_at: Option<UnixTime>,
    /// The size of the newest copy that this process has made, in bytes; 0 before the first one.
    pub bytes: u64,
    /// The reason for which the last attempt failed, as a sentence for the operator, and its time; `None` if it did not fail.
    pub problem: Option<(UnixTime, String)>,
    /// The number of attempts that failed.
    pub failures: u64,
    /// Whether the copies are on the disk of the database.
    pub shares_disk: bool,
}

/// The state, which the task that makes copies writes and everybody reads.
#[derive(Default)]
pub struct Backups(Mutex<BackupState>);

impl Backups {
    /// Returns the state.
    pub fn state(&self) -> BackupState {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the state.
    pub fn update(&self, change: impl FnOnce(&mut BackupState)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

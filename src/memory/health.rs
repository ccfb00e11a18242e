//! What the process has noticed about its database, for `/ready`.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use crate::domain::UnixTime;

/// The state of the integrity check that follows an unclean stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Integrity {
    /// The server was stopped in an orderly way before, so no check is needed.
    #[default]
    CleanStop,
    /// The server was not stopped in an orderly way. The check runs, or waits to run.
    Running,
    /// The check has found nothing.
    Sound(UnixTime),
    /// The check has found damage.
    Damaged(UnixTime),
}

/// What the process has noticed.
#[derive(Default)]
pub struct Health {
    integrity: Mutex<Integrity>,
    /// When the database was last written to find out whether it can be, whether it could, and what that means.
    pub probed: tokio::sync::Mutex<Option<(Instant, bool, &'static str)>>,
    /// The second at which a refresh token of a later state of the database was last presented; 0 if none was.
    newer_copy_at: AtomicI64,
}

impl Health {
    /// Returns the state of the integrity check.
    pub fn integrity(&self) -> Integrity {
        self.integrity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the check has found damage.
    pub fn is_damaged(&self) -> bool {
        matches!(self.integrity(), Integrity::Damaged(_))
    }

    /// Sets the state of the integrity check.
    pub fn set_integrity(&self, integrity: Integrity) {
        *self.integrity.lock().unwrap_or_else(PoisonError::into_inner) = integrity;
    }

    /// Records that a refresh token was presented that this database has not issued yet, although this server signed it:
    /// another copy of the database lives, or this one was restored.
    pub fn saw_newer_copy(&self, now: UnixTime) {
        self.newer_copy_at.fetch_max(now.seconds(), Ordering::Relaxed);
    }

    /// Returns the time at which such a token was last presented; `None` if none was.
    pub fn newer_copy_at(&self) -> Option<UnixTime> {
        let at = self.newer_copy_at.load(Ordering::Relaxed);
        (at > 0).then(|| UnixTime::from_seconds(at))
    }
}

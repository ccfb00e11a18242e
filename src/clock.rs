//! The clock: the only code that reads the system time. All code below the HTTP handlers and the command line receives
//! `now` as a parameter.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use crate::domain::UnixTime;

/// A source of the current time: the system clock, or a manual clock that a test moves.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The system clock. `started` is the instant at which the clock was created.
    System { started: Instant },
    /// The manual clock of a test, in seconds since 1970. Clones share it.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Returns a clock that reads the system time.
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now() })
    }

    /// Returns a manual clock that stays at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: UnixTime) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.seconds()))))
    }

    /// Returns the current time in whole seconds, rounded down. A system time before 1970 counts as 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
    pub fn now(&self) -> UnixTime {
        match &self.0 {
            Source::System { .. } => {
                let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                UnixTime::from_seconds(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
            }
            Source::Manual(seconds) => UnixTime::from_seconds(seconds.load(Ordering::SeqCst)),
        }
    }

    /// Returns the time until the next whole second; zero for a manual clock.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
    pub fn until_next_second(&self) -> Duration {
        match &self.0 {
            Source::System { .. } => {
                let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Duration::from_nanos(1_000_000_000 - u64::from(since_epoch.subsec_nanos()))
            }
            Source::Manual(_) => Duration::ZERO,
        }
    }

    /// Returns whether the time is after 1970. The clock of a machine without a battery may be before, until it is set.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
    pub fn is_set(&self) -> bool {
        match &self.0 {
            Source::System { .. } => SystemTime::now() > SystemTime::UNIX_EPOCH,
            Source::Manual(_) => true,
        }
    }

    /// Returns the time for rate limits. A system clock returns the time since its own creation, which never decreases.
    /// A manual clock returns the time since 1970, so it decreases if a test moves the clock back.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(seconds) => {
                Duration::from_secs(u64::try_from(seconds.load(Ordering::SeqCst)).unwrap_or_default())
            }
        }
    }

    /// Moves a manual clock by `seconds`, which may be negative. Has no effect on the system clock.
    pub fn advance(&self, seconds: i64) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(seconds, Ordering::SeqCst);
        }
    }
}

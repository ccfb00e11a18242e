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
    System { started: Instant },
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

    /// Returns the current time in whole seconds.
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

    /// Returns a monotonic time for rate limits. A system clock measures it from its own creation, a manual clock from
    /// 1970.
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

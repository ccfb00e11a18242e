//! The decision whether a reading of the wall clock may be the reason to delete something.
//!
//! A machine without a battery begins with a wrong time, and a virtual machine that is resumed may have one, until the network
//! corrects it. What was deleted by a time that is too late is lost: revocations that are still needed, sessions, the audit
//! log.

use std::time::Duration;

use super::UnixTime;

/// Seconds by which the clock may be ahead of what is expected. Revocations are kept for longer than they are needed by the
/// same time.
const MARGIN: i64 = 24 * 60 * 60;

/// How long an unexpected time must stay before it counts.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// The last reading that counts, and the beginning of unexpected ones. The second part of a reading is the time since the start
/// of the process, which nobody sets.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    counted: (UnixTime, Duration),
    unexpected_since: Option<Duration>,
}

impl SteadyClock {
    /// Begins with a time that was certainly reached before `uptime`: that of the newest row.
    pub const fn new(reached: UnixTime, uptime: Duration) -> Self {
        Self { counted: (reached, uptime), unexpected_since: None }
    }

    /// Returns whether `now` may be the reason to delete something. A time more than a day ahead of what is expected counts
    /// only after it has stayed for an hour. An earlier time counts: nothing expires by it.
    pub fn counts(&mut self, now: UnixTime, uptime: Duration) -> bool {
        let (time, at) = self.counted;
        let passed = i64::try_from(uptime.saturating_sub(at).as_secs()).unwrap_or(i64::MAX);
        let is_expected = now.since(time) <= passed.saturating_add(MARGIN);
        let since = *self.unexpected_since.get_or_insert(uptime);
        if is_expected || uptime.saturating_sub(since) >= PATIENCE {
            *self = Self::new(now, uptime);
        }
        self.unexpected_since.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;
    const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

    /// Reads the clock every minute for some minutes. Returns how many readings counted.
    fn minutes(clock: &mut SteadyClock, from: (UnixTime, u64), count: u64) -> usize {
        let counts = |minute: &u64| {
            let passed = minute * 60;
            clock.counts(from.0.plus(passed as i64), Duration::from_secs(from.1 + passed))
        };
        (0..count).filter(counts).count()
    }

    #[test]
    fn a_clock_that_runs_counts_and_so_does_one_that_is_set_back() {
        let mut clock = SteadyClock::new(NOW, Duration::ZERO);
        assert_eq!(minutes(&mut clock, (NOW, 0), 5000), 5000);
        assert_eq!(minutes(&mut clock, (NOW.plus(-400 * DAY), 300_000), 10), 10);
    }

    #[test]
    fn a_jump_of_less_than_a_day_counts_at_once_and_a_longer_one_after_an_hour() {
        let mut clock = SteadyClock::new(NOW, Duration::ZERO);
        assert!(clock.counts(NOW.plus(DAY), Duration::ZERO));
        let mut clock = SteadyClock::new(NOW, Duration::ZERO);
        assert_eq!(minutes(&mut clock, (NOW.plus(3 * DAY), 60), 59), 0);
        assert_eq!(minutes(&mut clock, (NOW.plus(3 * DAY + 60 * 60), 60 + 60 * 60), 5), 5);
    }

    #[test]
    fn a_jump_that_is_corrected_within_the_hour_has_no_effect() {
        let mut clock = SteadyClock::new(NOW, Duration::ZERO);
        assert_eq!(minutes(&mut clock, (NOW.plus(400 * DAY), 0), 50), 0);
        assert_eq!(minutes(&mut clock, (NOW.plus(50 * 60), 50 * 60), 10), 10);
        // A second jump has its own hour.
        assert_eq!(minutes(&mut clock, (NOW.plus(400 * DAY), 60 * 60), 50), 0);
    }
}

//! The refreshes of a session that came from another device, counted in a row and within a day.

use super::UnixTime;

/// The number of consecutive refreshes from another device that end a session.
pub const MAX_IN_A_ROW: u32 = 3;
/// The number of refreshes from another device within a day that end a session, also if others from the right device came
/// between them. Without this limit, an attacker who shares a token with its owner could try for ever.
pub const MAX_IN_A_DAY: usize = 10;
/// The seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// The refreshes of a session that came from another device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatches {
    /// The number since the last refresh from the right device.
    pub in_a_row: u32,
    /// The times of those within a day before the last one, oldest first.
    pub within_a_day: Vec<UnixTime>,
}

impl Mismatches {
    /// Returns the mismatches with one more, at `now`.
    #[must_use]
    pub fn with_one_more(&self, now: UnixTime) -> Self {
        // The difference is absolute, so that a clock that was set back does not keep a time for ever.
        let recent = self.within_a_day.iter().copied().filter(|at| now.since(*at).abs() < DAY);
        Self { in_a_row: self.in_a_row.saturating_add(1), within_a_day: recent.chain([now]).collect() }
    }

    /// Returns whether the session must end.
    pub fn end_the_session(&self) -> bool {
        self.in_a_row >= MAX_IN_A_ROW || self.within_a_day.len() >= MAX_IN_A_DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many mismatches, `every` seconds apart and each followed by a match, a session survives; at most 100.
    fn survived(every: i64) -> usize {
        let mut mismatches = Mismatches::default();
        for count in 0..100 {
            mismatches = mismatches.with_one_more(UnixTime::from_seconds(1_000_000 + count * every));
            if mismatches.end_the_session() {
                return count as usize;
            }
            mismatches.in_a_row = 0;
        }
        100
    }

    #[test]
    fn the_tenth_within_a_day_ends_the_session_and_fewer_do_not() {
        assert_eq!(survived(1), 9);
        // The first of ten is less than a day old at the tenth.
        assert_eq!(survived(DAY / 9 - 1), 9);
        assert_eq!(survived(DAY / 9), 100);
    }

    #[test]
    fn the_third_in_a_row_ends_the_session() {
        let mut mismatches = Mismatches::default();
        for count in 1..=3 {
            mismatches = mismatches.with_one_more(UnixTime::from_seconds(count * DAY * 2));
            assert_eq!(mismatches.end_the_session(), count == 3);
        }
    }
}

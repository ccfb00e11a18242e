//! The copies of the database that the server makes by itself: the names of their files, which of them are kept, and how much
//! of a disk they may fill.

use std::fmt;

use super::UnixTime;

/// The name of the file of a copy, such as `vestibule-20261128T013055Z.db`. It contains the time of the copy, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackupName(UnixTime);

impl BackupName {
    /// Returns the name of a copy that is made at `now`.
    pub const fn new(now: UnixTime) -> Self {
        Self(now)
    }

    /// Reads the name of a file. Returns `None` for every name that this server does not give to a copy.
    pub fn parse(name: &str) -> Option<Self> {
        let stamp = name.strip_prefix("vestibule-")?.strip_suffix(".db")?;
        let (date, time) = stamp.split_once('T')?;
        let part = |text: &'_ str, at: std::ops::Range<usize>| text.get(at).map(str::to_owned);
        let text = format!(
            "{}-{}-{}T{}:{}:{}Z",
            part(date, 0..4)?,
            part(date, 4..6)?,
            part(date, 6..8)?,
            part(time, 0..2)?,
            part(time, 2..4)?,
            part(time, 4..6)?
        );
        // The comparison refuses everything that the parts do not contain, such as a suffix.
        UnixTime::parse(&text).map(Self).filter(|parsed| parsed.to_string() == name)
    }

    /// Returns the time at which the copy was made.
    pub const fn made_at(self) -> UnixTime {
        self.0
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp: String = self.0.to_string().chars().filter(|character| !matches!(character, '-' | ':')).collect();
        write!(f, "vestibule-{stamp}.db")
    }
}

/// Which copies are made and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Seconds between two copies.
    pub interval: i64,
    /// The number of copies that are kept, at least one.
    pub keep: usize,
}

impl Schedule {
    /// Returns whether a copy is due at `now`, if the newest copy has this name. A copy of a time that has not come yet does
    /// not count: the clock was set back since.
    pub fn is_due(&self, newest: Option<BackupName>, now: UnixTime) -> bool {
        newest.is_none_or(|newest| !(0..self.interval).contains(&now.since(newest.made_at())))
    }

    /// Returns the age in seconds from which a copy is deleted, unless it is the newest one. So nothing that was deleted from
    /// the database stays in a copy for longer, even if few copies are made.
    pub const fn max_age(&self) -> i64 {
        self.interval.saturating_mul(self.keep as i64)
    }

    /// Returns the copies that are no longer kept at `now`.
    pub fn outdated(&self, mut copies: Vec<BackupName>, now: UnixTime) -> Vec<BackupName> {
        copies.sort_unstable_by(|a, b| b.cmp(a));
        let is_outdated = |place: usize, copy: &BackupName| {
            place > 0 && (place >= self.keep || now.since(copy.made_at()) > self.max_age())
        };
        copies.into_iter().enumerate().filter(|(place, copy)| is_outdated(*place, copy)).map(|(_, copy)| copy).collect()
    }
}

/// The space of a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// All of it.
    pub total: u64,
    /// What this process may still fill.
    pub free: u64,
}

impl DiskSpace {
    /// Returns whether a copy of `bytes` fits without touching the last fifth of the disk, which is left to the database itself
    /// and to everything else.
    pub const fn has_room_for(&self, bytes: u64) -> bool {
        self.free.saturating_sub(bytes) >= self.total / 5 && self.free >= bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;
    const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

    #[test]
    fn a_name_contains_its_time_and_no_other_name_is_ours() {
        let name = BackupName::new(NOW);
        assert_eq!(name.to_string(), "vestibule-20270115T080000Z.db");
        assert_eq!(BackupName::parse(&name.to_string()), Some(name));
        for foreign in [
            "",
            "vestibule.db",
            "vestibule-.db",
            "vestibule-20270115T080000Z.db.partial",
            "vestibule-20270115T080000Z",
            "vestibule-20270115T0800000Z.db",
            "vestibule-20271315T080000Z.db",
            "vestibule-20270115T080000+0100.db",
            "vestibule-2027011５T080000Z.db",
            "vestibule-20270115T080000z.db",
            "../vestibule-20270115T080000Z.db",
            "my-vestibule-20270115T080000Z.db",
        ] {
            assert_eq!(BackupName::parse(foreign), None, "{foreign}");
        }
    }

    fn ages(ages: &[i64]) -> Vec<BackupName> {
        ages.iter().map(|age| BackupName::new(NOW.plus(-age))).collect()
    }

    #[test]
    fn seven_copies_are_kept_and_none_longer_than_seven_intervals_but_the_newest() {
        let schedule = Schedule { interval: DAY, keep: 7 };
        let daily: Vec<i64> = (0..10).map(|day| day * DAY).collect();
        assert_eq!(schedule.outdated(ages(&daily), NOW), ages(&[7 * DAY, 8 * DAY, 9 * DAY]));
        assert_eq!(schedule.outdated(ages(&[30 * DAY]), NOW), []);
        assert_eq!(schedule.outdated(ages(&[0, 30 * DAY]), NOW), ages(&[30 * DAY]));
        assert_eq!(schedule.outdated(ages(&[8 * DAY, 9 * DAY]), NOW), ages(&[9 * DAY]));
        let one = Schedule { interval: DAY, keep: 1 };
        assert_eq!(one.outdated(ages(&[0, 1]), NOW), ages(&[1]));
    }

    #[test]
    fn a_copy_is_due_after_the_interval_and_after_the_clock_was_set_back() {
        let schedule = Schedule { interval: DAY, keep: 7 };
        assert!(schedule.is_due(None, NOW));
        for (age, due) in [(0, false), (DAY - 1, false), (DAY, true), (-1, true)] {
            assert_eq!(schedule.is_due(Some(BackupName::new(NOW.plus(-age))), NOW), due, "{age}");
        }
    }

    #[test]
    fn the_last_fifth_of_a_disk_stays_free() {
        let disk = DiskSpace { total: 1000, free: 300 };
        assert!(disk.has_room_for(100));
        assert!(!disk.has_room_for(101));
        assert!(!DiskSpace { total: 1000, free: 199 }.has_room_for(0));
        assert!(!DiskSpace { total: 0, free: 0 }.has_room_for(1));
        assert!(!disk.has_room_for(u64::MAX));
    }
}

//! Instants in whole seconds since 1970-01-01 UTC. The domain, the database and the tokens represent every time in this
//! way.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// An instant: seconds since the Unix epoch. It serialises as a text in RFC 3339, in UTC. Tokens and tables contain the
/// number that [`UnixTime::seconds`] returns.
///
/// ```
/// use vestibule::UnixTime;
///
/// let start = UnixTime::from_seconds(1_800_000_000);
/// assert_eq!(start.plus(60).since(start), 60);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// Returns the instant that is `seconds` after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Reads a time in RFC 3339. Returns `None` for another text, and for a time whose year in UTC has not four digits: it
    /// could not be written again. A fraction of a second is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
        (0..=9999).contains(&time.year()).then(|| Self(time.unix_timestamp()))
    }

    /// Returns the number of seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Returns the instant that is `seconds` later, or earlier if `seconds` is negative. Saturates at the limits of the
    /// range.
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Returns the number of seconds from `earlier` to this instant. Negative if `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp(self.0).ok().and_then(|time| time.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            // The year is outside the range of RFC 3339. This happens only if a clock is wrong by thousands of years.
            None => write!(f, "@{}", self.0),
        }
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for UnixTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The serde form of an instant in a token: a NumericDate (RFC 7519 §2), always an integer.
pub mod numeric_date {
    use super::{Deserialize, Deserializer, Serializer, UnixTime};

    /// Writes the seconds as an integer.
    pub fn serialize<S: Serializer>(time: &UnixTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.seconds())
    }

    /// Reads an integer as seconds. Fails for a text or a number with a fraction.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixTime, D::Error> {
        i64::deserialize(deserializer).map(UnixTime::from_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_read_can_be_written() {
        for (text, written) in [
            ("2026-11-27T12:00:00.5+01:00", "2026-11-27T11:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ] {
            let time = UnixTime::parse(text).expect(text);
            assert_eq!((time.to_string().as_str(), UnixTime::parse(written)), (written, Some(time)));
        }
        for text in ["9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"] {
            assert_eq!(UnixTime::parse(text), None, "{text}");
        }
    }
}

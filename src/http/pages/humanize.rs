//! Times and durations as text for a person.

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::domain::UnixTime;

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Returns a time for the element `<time>`: `iso` for machines and scripts, `words` for people. Both are in UTC.
pub fn instant(at: UnixTime) -> Value {
    json!({"iso": at.to_string(), "words": words(at)})
}

/// Returns a time in UTC as text, such as `15 January 2027, 08:00 UTC`.
pub fn words(at: UnixTime) -> String {
    let time = OffsetDateTime::from_unix_timestamp(at.seconds()).ok();
    time.and_then(|time| time.format(FORMAT).ok()).unwrap_or_else(|| at.to_string())
}

/// Returns a duration such as `30 days` or `90 seconds`. The unit is the largest one of which the duration is a multiple.
pub fn span(seconds: u64) -> String {
    let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")];
    let (unit, name) =
        units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit)).unwrap_or((1, "second"));
    counted(seconds / unit, name)
}

/// Returns a waiting time such as `2 minutes`. It is in seconds below two minutes, otherwise in minutes, rounded up.
pub fn wait(seconds: u64) -> String {
    if seconds < 2 * MINUTE { counted(seconds, "second") } else { counted(seconds.div_ceil(MINUTE), "minute") }
}

/// Returns a number with its unit, in the singular or the plural.
fn counted(count: u64, name: &str) -> String {
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_written_with_their_units() {
        assert_eq!(
            instant(UnixTime::from_seconds(1_800_000_000)),
            json!({"iso": "2027-01-15T08:00:00Z", "words": "15 January 2027, 08:00 UTC"})
        );
        let spans = [(30 * DAY, "30 days"), (DAY, "1 day"), (5_400, "90 minutes"), (61, "61 seconds"), (1, "1 second")];
        for (seconds, words) in spans {
            assert_eq!(span(seconds), words);
        }
        for (seconds, words) in [(1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (121, "3 minutes")] {
            assert_eq!(wait(seconds), words);
        }
    }
}

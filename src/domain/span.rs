//! Spans of time in settings, in whole seconds. A span is never negative, and it is at most ten years, so adding a span
//! to a time cannot overflow.

use std::{fmt, str::FromStr, time::Duration};

/// The longest span: ten years, in seconds. A longer span is probably a typing error.
const LONGEST: i64 = 10 * 365 * DAY;
const DAY: i64 = 24 * HOUR;
const HOUR: i64 = 60 * MINUTE;
const MINUTE: i64 = 60;

macro_rules! spans {
    ($($(#[$doc:meta])* $Span:ident from $least:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Span(i64);

        impl $Span {
            /// Returns a span of `seconds` seconds, or `None` if the number is out of bounds.
            pub const fn new(seconds: i64) -> Option<Self> {
                if seconds >= $least && seconds <= LONGEST { Some(Self(seconds)) } else { None }
            }

            /// Returns the whole seconds of the span.
            pub const fn seconds(self) -> i64 {
                self.0
            }
        }

        /// Reads `15m`, `7d`, `30s`, `2h`, or a number of seconds such as `90`. Fails if the text has another form or
        /// the span is out of bounds.
        impl FromStr for $Span {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                parse(text).and_then(Self::new).ok_or(())
            }
        }

        impl From<$Span> for Duration {
            fn from(span: $Span) -> Self {
                // A span is never negative.
                Self::from_secs(span.0.unsigned_abs())
            }
        }

        /// Writes the span in the largest unit of which it is a whole multiple. The text can be read again.
        impl fmt::Display for $Span {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')].iter().find(|(unit, _)| self.0 % unit == 0) {
                    Some((unit, letter)) if self.0 > 0 => write!(f, "{}{letter}", self.0 / unit),
                    _ => write!(f, "{}s", self.0),
                }
            }
        }
    )+};
}
spans! {
    /// A span of at least one second and at most ten years.
    Lifetime from 1;
    /// A span of at most ten years, which may be zero.
    Seconds from 0;
}

/// Returns the number of seconds, or `None` if the text is malformed or the number is too large.
fn parse(text: &str) -> Option<i64> {
    let (number, unit) = match text.char_indices().next_back()? {
        (end, 's') => (&text[..end], 1),
        (end, 'm') => (&text[..end], MINUTE),
        (end, 'h') => (&text[..end], HOUR),
        (end, 'd') => (&text[..end], DAY),
        _ => (text, 1),
    };
    // `parse` alone would accept a sign.
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| number.parse::<i64>().ok()?.checked_mul(unit)).flatten()
}

impl Seconds {
    /// A span of zero seconds.
    pub const ZERO: Self = Self(0);
}

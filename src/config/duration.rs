//! Spans of time as the configuration has them: whole seconds, never negative, bounded so that adding one
//! to a time of day can't overflow.

use std::fmt;

use figment::value::Value;
use serde_json::{Value as Json, json};

use super::setting::{Setting, integer};

/// Ten years; anything longer is a typing error.
const LONGEST: i64 = 10 * 365 * DAY;
const DAY: i64 = 24 * HOUR;
const HOUR: i64 = 60 * MINUTE;
const MINUTE: i64 = 60;

/// A span of at least one second and at most ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime(i64);

impl Lifetime {
    /// Whole seconds, at least 1.
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

/// A span that may be nothing, and is at most ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(i64);

impl Seconds {
    /// Whole seconds, at least 0.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// So many seconds, for the bounds that sections set.
    pub(super) const fn new(seconds: u16) -> Self {
        Self(seconds as i64)
    }
}

/// The seconds in `15m`, `7d`, `30s`, `2h` or a plain number, within bounds.
pub(super) fn parse_span(text: &str) -> Option<i64> {
    let (number, unit) = match text.char_indices().next_back()? {
        (end, 's') => (&text[..end], 1),
        (end, 'm') => (&text[..end], MINUTE),
        (end, 'h') => (&text[..end], HOUR),
        (end, 'd') => (&text[..end], DAY),
        _ => (text, 1),
    };
    // `parse` alone would take a sign.
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| number.parse::<i64>().ok()?.checked_mul(unit)).flatten()?;
    (seconds <= LONGEST).then_some(seconds)
}

fn span(value: &Value) -> Option<i64> {
    match value {
        Value::String(_, text) => parse_span(text.trim()),
        _ => integer(value)?.try_into().ok().filter(|seconds| (0..=LONGEST).contains(seconds)),
    }
}

impl Setting for Lifetime {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a span such as 30s, 15m, 2h or 7d, or a number of seconds; from 1s to 3650d";
        span(value).filter(|seconds| *seconds > 0).map(Self).ok_or_else(|| allowed.to_owned())
    }

    fn show(&self) -> Json {
        json!(self.to_string())
    }
}

impl Setting for Seconds {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a span such as 0s, 30s or 2m, or a number of seconds; from 0s to 3650d";
        span(value).map(Self).ok_or_else(|| allowed.to_owned())
    }

    fn show(&self) -> Json {
        json!(self.to_string())
    }
}

/// In the largest unit that divides it, so that what is shown can be written back.
fn format_span(seconds: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')].iter().find(|(unit, _)| seconds % unit == 0) {
        Some((unit, letter)) if seconds > 0 => write!(f, "{}{letter}", seconds / unit),
        _ => write!(f, "{seconds}s"),
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format_span(self.0, f)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format_span(self.0, f)
    }
}

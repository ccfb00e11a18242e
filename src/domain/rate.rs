//! Rates in settings: a number of uses in a period, such as `30/1m`.

use std::{fmt, num::NonZeroU32, str::FromStr};

use super::span::Lifetime;

const MAX_COUNT: u32 = 1_000_000;
/// The longest period: a day, in seconds.
const LONGEST_PERIOD: i64 = 24 * 60 * 60;

/// A number of uses in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The number of uses, 1 to 1,000,000. [`Rate::times`] can exceed this limit.
    pub count: NonZeroU32,
    /// The period, one second to one day.
    pub per: Lifetime,
}

impl Rate {
    /// Returns a rate of `count` in `seconds`.
    ///
    /// # Panics
    /// If one of them is out of bounds. It is for constants, where that does not compile.
    #[must_use]
    pub const fn of(count: u32, seconds: i64) -> Self {
        Self {
            count: NonZeroU32::new(count).expect("a rate has a count"),
            per: Lifetime::new(seconds).expect("a rate has a period"),
        }
    }

    /// Returns the rate with the count multiplied by `factor`. Saturates at the maximum of `u32`. Returns the rate
    /// unchanged if `factor` is 0.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        let count = NonZeroU32::new(self.count.get().saturating_mul(factor)).unwrap_or(self.count);
        Self { count, ..self }
    }
}

/// Reads a count and a period, such as `30/1m`. Fails if the text has another form or a number is out of bounds.
impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (count, per) = text.split_once('/').ok_or(())?;
        let count = count.trim().parse::<NonZeroU32>().ok().filter(|count| count.get() <= MAX_COUNT).ok_or(())?;
        let per = per.trim().parse::<Lifetime>().ok().filter(|per| per.seconds() <= LONGEST_PERIOD).ok_or(())?;
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

//! How often something may be tried, and how long the audit log is kept.

use std::{fmt, num::NonZeroU32};

use figment::value::Value;
use serde_json::{Value as Json, json};

use super::{
    Lifetime,
    reader::{Read, Reader},
    setting::{Setting, integer, text},
};

const MOST: u32 = 1_000_000;
const LONGEST_PERIOD: i64 = 24 * 60 * 60;

/// How often something may be tried (`None`: as often as one likes), and how long the audit log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Attempts from one address.
    pub login_rate_per_ip: Option<Rate>,
    /// Wrong passwords for one account.
    pub login_failures_per_account: Option<Rate>,
    /// New accounts from one address.
    pub register_rate_per_ip: Option<Rate>,
    /// Refreshes of one session.
    pub refresh_rate_per_session: Option<Rate>,
    /// How long the audit log is kept.
    pub audit_retention: Lifetime,
}

/// So many in a period of at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, at most a million.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Lifetime,
}

impl Rate {
    /// The rate with so many times the count.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        let count = NonZeroU32::new(self.count.get().saturating_mul(factor)).unwrap_or(self.count);
        Self { count, ..self }
    }
}

impl Limits {
    pub(super) fn read(reader: &mut Reader) -> Read<Self> {
        let login_rate_per_ip = reader.read("login_rate_per_ip");
        let login_failures_per_account = reader.read("login_failures_per_account");
        let register_rate_per_ip = reader.read("register_rate_per_ip");
        let refresh_rate_per_session = reader.read("refresh_rate_per_session");
        let audit_retention = reader.read("audit_retention");
        Ok(Self {
            login_rate_per_ip: login_rate_per_ip?,
            login_failures_per_account: login_failures_per_account?,
            register_rate_per_ip: register_rate_per_ip?,
            refresh_rate_per_session: refresh_rate_per_session?,
            audit_retention: audit_retention?,
        })
    }
}

impl Setting for Option<Rate> {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a number (1 to 1000000) and a period (1s to 24h) such as 30/1m, or 0 for no limit";
        if integer(value) == Some(0) {
            return Ok(None);
        }
        let rate = || {
            let (count, per) = text(value, allowed).ok()?.split_once('/')?;
            let count = count.trim().parse::<NonZeroU32>().ok().filter(|count| count.get() <= MOST)?;
            let per = Lifetime::parse(&per.into()).ok().filter(|per| per.seconds() <= LONGEST_PERIOD)?;
            Some(Rate { count, per })
        };
        rate().map(Some).ok_or_else(|| allowed.to_owned())
    }

    fn show(&self) -> Json {
        self.as_ref().map_or(json!("0"), |rate| json!(rate.to_string()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

//! Limits on attempts, and the retention of the audit log.

use figment::value::Value;
use serde_json::Value as Json;

use super::{
    declare::settings,
    setting::{Setting, integer, text},
};
use crate::domain::{rate::Rate, span::Lifetime};

settings! {
    /// Limits on attempts (`None` is no limit), and the retention of the audit log.
    pub struct Limits, LimitKeys in "limits", |reader| {
        /// Login attempts from one address (IPv6: from one /64 network). A limit lets that many through at once and gives them
        /// back evenly over the period; `0` is no limit, here and below.
        #[key("login_rate_per_ip", default = "30/1m", main = true)]
        login_rate_per_ip: Option<Rate>,
        /// Wrong passwords for one typed name, whether an account has that name or not.
        #[key("login_failures_per_account", default = "10/15m", main = true)]
        login_failures_per_account: Option<Rate>,
        /// New accounts from one address.
        #[key("register_rate_per_ip", default = "10/1h")]
        register_rate_per_ip: Option<Rate>,
        /// Refreshes of one session. Answers within the grace don't count.
        #[key("refresh_rate_per_session", default = "60/1m")]
        refresh_rate_per_session: Option<Rate>,
        /// How long the audit log is kept.
        #[key("audit_retention", default = "90d", main = true)]
        audit_retention: Lifetime,
    }
}

impl Setting for Option<Rate> {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "a number (1 to 1000000) and a period (1s to 24h) such as 30/1m, or 0 for no limit";
        if integer(value) == Some(0) {
            return Ok(None);
        }
        text(value, allowed)?.parse().map(Some).map_err(|()| allowed.to_owned())
    }

    fn show(&self) -> Json {
        self.as_ref().map_or_else(|| Json::from("0"), |rate| Json::from(rate.to_string()))
    }
}

//! The rate limits, and the retention of the audit log.

use super::declare::settings;
use crate::domain::{rate::Rate, span::Lifetime};

settings! {
    /// The rate limits, and the retention of the audit log. A limit of `None` is switched off.
    pub struct Limits, LimitKeys in "limits", |reader| {
        /// The limit of login attempts from one IP address (IPv6: from one /64 network). `30/1m` permits 30 attempts at once,
        /// and then one more every 2 seconds. `0` switches the limit off, here and below.
        #[key("login_rate_per_ip", default = "30/1m", main = true)]
        login_rate_per_ip: Option<Rate>,
        /// The limit of wrong passwords for one typed name, whether an account has this name or not.
        #[key("login_failures_per_account", default = "10/15m", main = true)]
        login_failures_per_account: Option<Rate>,
        /// The limit of registrations from one IP address (IPv6: from one /64 network). Attempts with a taken name count too.
        #[key("register_rate_per_ip", default = "10/1h")]
        register_rate_per_ip: Option<Rate>,
        /// The limit of refreshes of one session. Repeated refreshes within `refresh_reuse_grace` have a limit of their
        /// own, 600 a minute. The other actions of a signed-in user (fresh tokens, changes of the account, exports) may be
        /// 600 an hour. `0` switches these two limits off too. Signing out is never limited.
        #[key("refresh_rate_per_session", default = "60/1m")]
        refresh_rate_per_session: Option<Rate>,
        /// How long the events of the audit log are kept. Older events are deleted.
        #[key("audit_retention", default = "90d", main = true)]
        audit_retention: Lifetime,
    }
}

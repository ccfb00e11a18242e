//! What is recorded of every login: its outcome in the metrics, and a line in the log about a wrong password. Programs that ban
//! addresses read this line, such as fail2ban.

use crate::{domain::audit_event::RequestContext, flows::Vestibule, memory::metrics::LoginOutcome};

/// Counts the outcome of a login. Logs an unknown name and a wrong password. The line contains the address of the client, and
/// no text that a client has chosen, so a client can't forge the address of another one.
pub(in crate::flows) fn record(vestibule: &Vestibule, outcome: LoginOutcome, context: &RequestContext) {
    vestibule.metrics.logins.count(outcome);
    if outcome == LoginOutcome::InvalidCredentials {
        let ip = context.ip.as_deref().unwrap_or("-");
        tracing::info!(target: "vestibule::login", outcome = outcome.as_str(), ip, "login failed");
    }
}

//! Queries for the random-walk tests: the sessions and the audit log.

use vestibule::store::{self, sql};

use crate::support::Server;

/// The sessions: id, generation, whether it is revoked, and time of last use (Unix seconds).
pub(crate) type Rows = Vec<(String, i64, bool, i64)>;

/// The audit events: name, and session id if the event has one.
pub(crate) type Log = Vec<(String, Option<String>)>;

/// Returns two lists. For each session: id, generation, whether it is revoked, and time of last use (Unix seconds). For each
/// audit event: its name and its session id. Signing key events are omitted, because the model contains no signing keys.
pub(crate) async fn rows_and_log(server: &Server) -> store::Result<(Rows, Log)> {
    let mut reader = server.vestibule.store.read().await?;
    let sessions = "select id, generation, revoked_at is not null as revoked, last_used_at from sessions";
    let rows = sql(sessions).all(&mut reader).await?;
    let rows = rows
        .iter()
        .map(|row| Ok((row.get("id")?, row.get("generation")?, row.get("revoked")?, row.get("last_used_at")?)));
    let log = "select event, session_id from audit_events where event not like 'signing_key%'";
    let log = sql(log).all(&mut reader).await?;
    let log = log.iter().map(|row| Ok((row.get("event")?, row.get("session_id")?)));
    Ok((rows.collect::<store::Result<_>>()?, log.collect::<store::Result<_>>()?))
}

//! What a walk reads from the database.

use vestibule::store::{self, sql};

use crate::support::Server;

pub(crate) type Rows = Vec<(String, i64, bool, i64)>;

pub(crate) type Log = Vec<(String, Option<String>)>;

/// Returns id, generation, whether it was revoked and last use of every session; and event and session of each row of the audit
/// log, except the events of keys.
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

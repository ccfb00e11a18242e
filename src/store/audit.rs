//! The queries on the audit log.

use serde_json::Value;

use super::{Conn, Error, Result, instant, meta, sql::sql};
use crate::domain::{UnixTime, UserId, audit_event::AuditEvent};

/// An event as stored in the log.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// The time of the event.
    pub at: UnixTime,
    /// The name of the event.
    pub event: String,
    /// The session of the event, if it has one.
    pub session_id: Option<String>,
    /// The address of the client, if it is known.
    pub ip: Option<String>,
    /// Further details, as a JSON object.
    pub detail: Value,
}

/// Appends an event. If the user of the event was deleted in the meantime, only the time and the name of the event are
/// stored.
pub async fn insert(conn: &mut Conn, event: &AuditEvent) -> Result<()> {
    sql("insert into audit_events (at, event, user_id, session_id, ip, detail)
         select $1, $2, id, case when gone then null else $4 end, case when gone then null else $5 end,
            case when gone then '{}' else $6 end
         from (select (select id from users where id = $3) as id,
                      $3 is not null and not exists (select 1 from users where id = $3) as gone) as who")
    .bind(event.at.seconds())
    .bind(event.event.as_str())
    .bind(event.user.map(|user| user.to_string()))
    .bind(event.session.map(|session| session.to_string()))
    .bind(event.ip.as_deref())
    .bind(serde_json::Value::Object(event.detail.clone()).to_string())
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads at most `limit` audit events of a user, newest first, from those that are older than the event `after`. Returns the
/// number of the last one if there may be more.
pub async fn page_by_user(
    conn: &mut Conn,
    user: UserId,
    after: Option<i64>,
    limit: i64,
) -> Result<(Vec<StoredEvent>, Option<i64>)> {
    let rows = sql("select id, at, event, session_id, ip, detail from audit_events
             where user_id = $1 and id < $2 order by id desc limit $3")
    .bind(user.to_string())
    .bind(after.unwrap_or(i64::MAX))
    .bind(limit)
    .all(conn)
    .await?;
    let last = rows.last().filter(|_| rows.len() as i64 == limit).map(|row| row.get("id")).transpose()?;
    let events = rows
        .iter()
        .map(|row| {
            let broken = |_| Error::inconsistent("audit_events", row.get("id").unwrap_or(0_i64), "detail is not JSON");
            Ok(StoredEvent {
                at: instant(row.get("at")?),
                event: row.get("event")?,
                session_id: row.get("session_id")?,
                ip: row.get("ip")?,
                detail: serde_json::from_str(row.get("detail")?).map_err(broken)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok((events, last))
}

/// Removes all personal data from a user's events: the user, the session, the address and the details. The time and the name of
/// each event stay.
pub async fn forget_user(conn: &mut Conn, user: UserId) -> Result<()> {
    sql("update audit_events set user_id = null, session_id = null, ip = null, detail = '{}' where user_id = $1")
        .bind(user.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes at most `limit` events whose time is before `before`. Returns the number of deleted rows.
pub async fn delete_expired(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<u64> {
    // The trigger `audit_events_are_not_removed` permits the deletion of events that are older than this time, and of no
    // others.
    meta::set(conn, "audit_swept_before", &before.seconds().to_string()).await?;
    sql("delete from audit_events where id in (select id from audit_events where at < $1 limit $2)")
        .bind(before.seconds())
        .bind(limit)
        .execute(conn)
        .await
}

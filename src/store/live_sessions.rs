//! The live sessions of all users, for somebody who administers.

use super::{
    Conn, Result,
    sessions::{AFTER_EVERY_ID, find, session_id},
    sql::sql,
};
use crate::domain::{SessionId, UnixTime, session::Session};

/// Returns the number of sessions that are live at `now`, but at most `limit`.
pub async fn count(conn: &mut Conn, now: UnixTime, limit: i64) -> Result<i64> {
    sql("select count(*) from (select 1 from sessions
            where revoked_at is null and refresh_expires_at > $1 and expires_at > $1 limit $2) as live")
    .bind(now.seconds())
    .bind(limit)
    .value(conn)
    .await
}

/// The number of sessions after which the search for one page of live sessions stops.
const SCANNED: i64 = 1000;

/// Reads at most `limit` sessions of all users that are live at `now`, in the reverse order of their opening, from those that
/// were opened before the session `after`. Also returns the session after which the next page begins; `None` if there are no
/// more sessions. A page costs the same however many sessions there are, so it may be shorter than `limit` although there are
/// more.
pub async fn page(
    conn: &mut Conn,
    now: UnixTime,
    after: Option<SessionId>,
    limit: i64,
) -> Result<(Vec<Session>, Option<SessionId>)> {
    let ids = sql("select id, (revoked_at is null and refresh_expires_at > $1 and expires_at > $1) as is_live
         from sessions where id < $2 order by id desc limit $3")
    .bind(now.seconds())
    .bind(after.map_or_else(|| AFTER_EVERY_ID.to_owned(), |id| id.to_string()))
    .bind(SCANNED)
    .all(conn)
    .await?;
    let (mut found, mut last) = (Vec::new(), None);
    for row in &ids {
        if found.len() as i64 == limit {
            return Ok((found, last));
        }
        let id = session_id(row)?;
        last = Some(id);
        if row.get("is_live")? {
            found.extend(find(conn, id).await?);
        }
    }
    Ok((found, last.filter(|_| ids.len() as i64 == SCANNED)))
}

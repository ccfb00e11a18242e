//! The feed by which processes on one database keep each other's memory in step.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Conn, Error, Result, instant};
use crate::domain::{
    SessionId, TokenId, UnixTime, UserId,
    change::{Announcement, Change},
};

pub(super) async fn insert(conn: &mut Conn, change: Change, now: UnixTime, until: UnixTime) -> Result<Announcement> {
    let (kind, subject, value) = match &change {
        Change::SessionRevoked(session) => ("session_revoked", session.to_string(), None),
        Change::TokenRevoked(token) => ("token_revoked", token.to_string(), None),
        Change::AuthorizationVersion(user, version) => ("authorization_version", user.to_string(), Some(*version)),
        Change::SigningKeys => ("signing_keys", String::new(), None),
    };
    let seq = sqlx::query_scalar(
        "insert into changes (kind, subject, value, at, until) values (?, ?, ?, ?, ?) returning seq",
    )
    .bind(kind)
    .bind(subject)
    .bind(value)
    .bind(now.seconds())
    .bind(until.seconds())
    .fetch_one(conn)
    .await?;
    Ok(Announcement { seq, change, until })
}

/// Everything after `seq`, in order.
pub(super) async fn list_after(conn: &mut Conn, seq: i64) -> Result<Vec<Announcement>> {
    let rows = sqlx::query("select seq, kind, subject, value, until from changes where seq > ? order by seq")
        .bind(seq)
        .fetch_all(conn)
        .await?;
    // One that this version does not know must not hide those after it.
    let known = rows.iter().filter_map(|row| match announcement(row) {
        Err(error @ Error::Inconsistent { .. }) => {
            tracing::error!(%error, "skipping a change");
            None
        }
        announced => Some(announced),
    });
    known.collect()
}

/// The last place in the feed at which the signing keys changed; 0 where it says nothing of them any more.
///
/// # Errors
/// [`Error::Database`].
pub async fn last_of_keys(conn: &mut Conn) -> Result<i64> {
    Ok(sqlx::query_scalar("select coalesce(max(seq), 0) from changes where kind = 'signing_keys'")
        .fetch_one(conn)
        .await?)
}

/// Forgets up to `limit` changes that concern no token any more; how many it were.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete_expired(conn: &mut Conn, now: UnixTime, limit: i64) -> Result<u64> {
    let deleted = sqlx::query(
        "delete from changes where seq in (select seq from changes where until < ? order by until limit ?)",
    )
    .bind(now.seconds())
    .bind(limit)
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}

fn announcement(row: &SqliteRow) -> Result<Announcement> {
    let seq: i64 = row.try_get("seq")?;
    let subject: String = row.try_get("subject")?;
    let value: Option<i64> = row.try_get("value")?;
    let change = match row.try_get::<String, _>("kind")?.as_str() {
        "session_revoked" => SessionId::parse(&subject).map(Change::SessionRevoked),
        "token_revoked" => TokenId::parse(&subject).map(Change::TokenRevoked),
        "authorization_version" => {
            UserId::parse(&subject).zip(value).map(|(user, version)| Change::AuthorizationVersion(user, version))
        }
        "signing_keys" => Some(Change::SigningKeys),
        _ => None,
    };
    let change = change.ok_or_else(|| Error::inconsistent("changes", seq, "not a change that this version knows"))?;
    Ok(Announcement { seq, change, until: instant(row.try_get("until")?) })
}

//! The feed of changes: each process reads it to update the revocations and keys that it has in memory.

use super::{
    Conn, Error, Result, instant,
    sql::{Row, sql},
};
use crate::domain::{
    RoleName, SessionId, TokenId, UnixTime, UserId,
    change::{Announcement, Change, DELETED_USER_VERSION},
};

/// Appends a change to the feed, where it is kept until `until`. Returns the announcement of the change.
pub(super) async fn insert(conn: &mut Conn, change: Change, now: UnixTime, until: UnixTime) -> Result<Announcement> {
    let (kind, subject, value) = match &change {
        Change::SessionRevoked(session) => ("session_revoked", session.to_string(), None),
        Change::TokenRevoked(token) => ("token_revoked", token.to_string(), None),
        Change::SessionTokensRevoked(session, issued) => {
            // A later one replaces an earlier one, so there is one row for a session.
            sql("delete from changes where kind = 'session_tokens_revoked' and subject = $1")
                .bind(session.to_string())
                .execute(conn)
                .await?;
            ("session_tokens_revoked", session.to_string(), Some(issued.seconds()))
        }
        Change::AuthorizationVersion(user, version) => ("authorization_version", user.to_string(), Some(*version)),
        Change::Clients => ("clients", String::new(), None),
        Change::SigningKeys => ("signing_keys", String::new(), None),
    };
    let seq = sql("insert into changes (kind, subject, value, at, until) values ($1, $2, $3, $4, $5) returning seq")
        .bind(kind)
        .bind(subject)
        .bind(value)
        .bind(now.seconds())
        .bind(until.seconds())
        .value(conn)
        .await?;
    Ok(Announcement { seq, change, until })
}

/// Announces the authorization versions of all members of `role` (no members if it is `None`) and, if `admins_too` is true, of
/// all admins. Returns one announcement for each user. This is one statement, because a role may have very many members. Each
/// announcement is kept until `remember` seconds after the latest `exp` in the rows of the user's sessions, or after `now` if
/// that is later.
pub(super) async fn insert_versions(
    conn: &mut Conn,
    role: Option<&RoleName>,
    admins_too: bool,
    now: UnixTime,
    remember: i64,
) -> Result<Vec<Announcement>> {
    let rows = sql("insert into changes (kind, subject, value, at, until)
         select 'authorization_version', users.id, authorization_version, $3,
            $4 + coalesce((select max(access_expires_at) from sessions
                where user_id = users.id and access_expires_at > $3), $3)
         from users where users.id in (select user_id from user_roles where role = $1 or ($2 and role = 'admin'))
         returning seq, kind, subject, value, until")
    .bind(role.map(RoleName::as_str))
    .bind(admins_too)
    .bind(now.seconds())
    .bind(remember)
    .all(conn)
    .await?;
    rows.iter().map(announcement).collect()
}

/// Reads all changes whose position in the feed is after `seq`, in order. Skips and logs a change that this version of the
/// program does not know.
pub(super) async fn list_after(conn: &mut Conn, seq: i64) -> Result<Vec<Announcement>> {
    let rows = sql("select seq, kind, subject, value, until from changes where seq > $1 order by seq")
        .bind(seq)
        .all(conn)
        .await?;
    // A change of an unknown kind must not hide the changes after it.
    let known = rows.iter().filter_map(|row| match announcement(row) {
        Err(error @ Error::Inconsistent { .. }) => {
            tracing::error!(%error, "skipping a change");
            None
        }
        announced => Some(announced),
    });
    known.collect()
}

/// Returns the ids of the users whose deletion the feed contains.
pub async fn list_deleted_users(conn: &mut Conn) -> Result<Vec<String>> {
    sql("select subject from changes where kind = 'authorization_version' and value = $1")
        .bind(DELETED_USER_VERSION)
        .values(conn)
        .await
}

/// Returns the `seq` of the last change of the signing keys. Returns 0 if the feed contains no such change.
pub async fn last_key_change(conn: &mut Conn) -> Result<i64> {
    sql("select coalesce(max(seq), 0) from changes where kind = 'signing_keys'").value(conn).await
}

/// Deletes at most `limit` changes whose `until` is before `now`. They no longer affect any token. Returns the number of
/// deleted rows.
pub async fn delete_expired(conn: &mut Conn, now: UnixTime, limit: i64) -> Result<u64> {
    sql("delete from changes where seq in (select seq from changes where until < $1 order by until limit $2)")
        .bind(now.seconds())
        .bind(limit)
        .execute(conn)
        .await
}

/// Converts a row of the feed. Fails with [`Error::Inconsistent`] if this version of the program does not know the change.
fn announcement(row: &Row) -> Result<Announcement> {
    let seq: i64 = row.get("seq")?;
    let subject: String = row.get("subject")?;
    let value: Option<i64> = row.get("value")?;
    let change = match row.get::<String>("kind")?.as_str() {
        "session_revoked" => SessionId::parse(&subject).map(Change::SessionRevoked),
        "token_revoked" => TokenId::parse(&subject).map(Change::TokenRevoked),
        "session_tokens_revoked" => SessionId::parse(&subject)
            .zip(value)
            .map(|(session, issued)| Change::SessionTokensRevoked(session, instant(issued))),
        "authorization_version" => {
            UserId::parse(&subject).zip(value).map(|(user, version)| Change::AuthorizationVersion(user, version))
        }
        "clients" => Some(Change::Clients),
        "signing_keys" => Some(Change::SigningKeys),
        _ => None,
    };
    let change = change.ok_or_else(|| Error::inconsistent("changes", seq, "not a change that this version knows"))?;
    Ok(Announcement { seq, change, until: instant(row.get("until")?) })
}

//! The statements of a restore, on a copy that no server uses.

use std::path::Path;

use super::{Conn, Error, Result, sql::sql};
use crate::domain::{UnixTime, session::RevokeReason};

/// The number of sessions and links that a restore has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Sessions that were live.
    pub sessions: u64,
    /// Links that were not used.
    pub links: u64,
}

/// What has happened to accounts since the copy was made, so that a restore undoes it. Each list has names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// The accounts that were disabled since, and are enabled in the copy.
    pub disabled: Vec<String>,
    /// The accounts that were deleted since, and exist in the copy.
    pub deleted: Vec<String>,
    /// The accounts that have another password since: in the copy they have the earlier one.
    pub new_password: Vec<String>,
    /// The accounts that lost a role or a permission since, and have it in the copy.
    pub fewer_rights: Vec<String>,
    /// The accounts that were added since, and are not in the copy.
    pub added: Vec<String>,
    /// The clients that were removed since, or have another secret: in the copy they have the earlier one.
    pub clients: Vec<String>,
}

/// Ends all sessions and deletes all unused links.
pub async fn end_sessions_and_links(conn: &mut Conn, reason: RevokeReason, now: UnixTime) -> Result<Ended> {
    let live: i64 =
        sql("select count(*) from sessions where revoked_at is null and refresh_expires_at > $1 and expires_at > $1")
            .bind(now.seconds())
            .value(conn)
            .await?;
    sql("insert into changes (kind, subject, value, at, until)
         select 'session_revoked', id, null, $1, access_expires_at + 86400 from sessions
         where revoked_at is null and access_expires_at > $1")
    .bind(now.seconds())
    .execute(conn)
    .await?;
    sql("update sessions set revoked_at = $1, revoked_reason = $2 where revoked_at is null")
        .bind(now.seconds())
        .bind(reason.as_str())
        .execute(conn)
        .await?;
    let links = sql("delete from one_time_tokens where used_at is null").execute(conn).await?;
    Ok(Ended { sessions: live.unsigned_abs(), links })
}

/// Attaches the database `present`, which the copy of the connection will replace.
pub async fn attach(conn: &mut Conn, present: &Path) -> Result<()> {
    let path = present.to_str().ok_or_else(|| Error::inconsistent("files", present.display(), "not UTF-8"))?;
    sql("attach database $1 as present").bind(path).execute(conn).await?;
    Ok(())
}

/// Detaches the database that [`attach`] has attached.
pub async fn detach(conn: &mut Conn) -> Result<()> {
    sql("detach database present").execute(conn).await?;
    Ok(())
}

/// Compares the copy with the attached database.
pub async fn find_undone(conn: &mut Conn) -> Result<Undone> {
    let disabled = sql("select coalesce(copied.username, copied.email) from users as copied
         join present.users as now on now.id = copied.id
         where now.disabled_at is not null and copied.disabled_at is null order by 1");
    let deleted = sql("select coalesce(username, email) from users
         where id not in (select id from present.users) order by 1");
    let new_password = sql("select coalesce(username, email) from users
         join credentials on credentials.user_id = users.id
         join present.credentials as now on now.user_id = users.id and now.kind = credentials.kind
         where now.updated_at <> credentials.updated_at order by 1");
    let fewer_rights = sql("select distinct coalesce(username, email) from users
         join (select user_id, role as held from user_roles union all select user_id, permission from user_permissions) as copied
            on copied.user_id = users.id
         where users.id in (select id from present.users) and held not in (
            select role from present.user_roles as now where now.user_id = users.id
            union all select permission from present.user_permissions as now where now.user_id = users.id)
         order by 1");
    let added = sql("select coalesce(username, email) from present.users
         where id not in (select id from main.users) order by 1");
    // A database of 0.1.0 has no such table.
    let clients = sql("select copied.id from clients as copied left join present.clients as now on now.id = copied.id
         where now.secret_hash is distinct from copied.secret_hash order by 1");
    Ok(Undone {
        disabled: disabled.values(conn).await?,
        deleted: deleted.values(conn).await?,
        new_password: new_password.values(conn).await?,
        fewer_rights: fewer_rights.values(conn).await?,
        added: added.values(conn).await?,
        clients: clients.values(conn).await.unwrap_or_default(),
    })
}

/// Replaces the signing keys of the copy by those of the attached database, if both have the same root secret: a key that was
/// removed since the copy may be known to others, and a key that was added is one whose tokens others verify. `recognition` is
/// the key in `meta` by which a root secret is recognised. Returns whether they were replaced.
pub async fn keep_signing_keys(conn: &mut Conn, recognition: &str) -> Result<bool> {
    let same: i64 = sql("select count(*) from main.meta as copied join present.meta as now on now.key = copied.key
            and now.value = copied.value
         where copied.key = $1 and exists (select 1 from present.signing_keys)")
    .bind(recognition)
    .value(conn)
    .await?;
    if same == 0 {
        return Ok(false);
    }
    sql("delete from signing_keys").execute(conn).await?;
    sql("insert into signing_keys (kid, algorithm, sealed, status, created_at, retires_at, signs_from)
         select kid, algorithm, sealed, status, created_at, retires_at, signs_from from present.signing_keys")
    .execute(conn)
    .await?;
    Ok(true)
}

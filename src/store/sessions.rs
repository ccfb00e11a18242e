//! Sessions. What revokes one gives back what must be announced.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Conn, Error, Result, instant};
use crate::domain::{
    DeviceRow, Scope, SessionId, UnixTime, UserId,
    device::Baseline,
    generations::Generations,
    scope,
    session::{RevokeReason, Session},
};

/// A session that was just revoked: until when its access tokens would have held.
#[derive(Clone, Copy, Debug)]
pub struct Revoked {
    /// Which.
    pub id: SessionId,
    /// The greatest `exp` it gave out.
    pub access_expires_at: UnixTime,
    /// Whether its time was not over.
    pub was_live: bool,
}

/// Which of a user's sessions to revoke.
#[derive(Clone, Copy, Debug)]
pub enum Selection {
    /// Every one.
    All,
    /// Every one but this.
    AllBut(SessionId),
    /// This one.
    One(SessionId),
    /// The ones on this device.
    OfDevice(DeviceRow),
}

macro_rules! select_session {
    ($tail:literal) => {
        concat!(
            "select id, user_id, device_id, client_id, device_name, user_agent, ip, created_at, last_used_at, expires_at,
                refresh_expires_at, generation, generations_made_at, access_expires_at, auth_time, failed_proofs,
                mismatches, fingerprint, revoked_at, revoked_reason, scope, password_generation
             from sessions ",
            $tail
        )
    };
}

/// One session.
///
/// # Errors
/// [`Error::Database`], [`Error::Inconsistent`].
pub async fn find(conn: &mut Conn, id: SessionId) -> Result<Option<Session>> {
    let row = sqlx::query(select_session!("where id = ?")).bind(id.to_string()).fetch_optional(conn).await?;
    row.as_ref().map(session).transpose()
}

/// A user's live sessions, latest use first.
///
/// # Errors
/// As [`find`].
pub async fn list_live_by_user(conn: &mut Conn, user: UserId, now: UnixTime) -> Result<Vec<Session>> {
    let rows = sqlx::query(select_session!(
        "where user_id = ?1 and revoked_at is null and refresh_expires_at > ?2 and expires_at > ?2
         order by used_order desc"
    ))
    .bind(user.to_string())
    .bind(now.seconds())
    .fetch_all(conn)
    .await?;
    rows.iter().map(session).collect()
}

/// Every live session, latest use first.
///
/// # Errors
/// As [`find`].
pub async fn list_live(conn: &mut Conn, now: UnixTime) -> Result<Vec<Session>> {
    let rows = sqlx::query(select_session!(
        "where revoked_at is null and refresh_expires_at > ?1 and expires_at > ?1 order by used_order desc"
    ))
    .bind(now.seconds())
    .fetch_all(conn)
    .await?;
    rows.iter().map(session).collect()
}

/// All that is stored of a user's sessions, ended ones too.
///
/// # Errors
/// As [`find`].
pub async fn list_by_user(conn: &mut Conn, user: UserId) -> Result<Vec<Session>> {
    let rows = sqlx::query(select_session!("where user_id = ? order by used_order desc"))
        .bind(user.to_string())
        .fetch_all(conn)
        .await?;
    rows.iter().map(session).collect()
}

/// Inserts a session.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(conn: &mut Conn, session: &Session) -> Result<()> {
    sqlx::query(
        "insert into sessions (id, user_id, device_id, client_id, device_name, user_agent, ip, created_at, last_used_at,
            expires_at, refresh_expires_at, generation, generations_made_at, access_expires_at, auth_time, fingerprint,
            scope, used_order)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
            (select coalesce(max(used_order), 0) + 1 from sessions))",
    )
    .bind(session.id.to_string())
    .bind(session.user_id.to_string())
    .bind(session.device.map(|device| device.to_string()))
    .bind(&session.client_id)
    .bind(session.device_name.as_deref())
    .bind(session.user_agent.as_deref())
    .bind(session.ip.as_deref())
    .bind(session.created_at.seconds())
    .bind(session.last_used_at.seconds())
    .bind(session.expires_at.seconds())
    .bind(session.refresh_expires_at.seconds())
    .bind(session.generations.current())
    .bind(made_at_text(&session.generations))
    .bind(session.access_expires_at.seconds())
    .bind(session.auth_time.seconds())
    .bind(session.baseline.as_ref().map(Baseline::to_json))
    .bind(session.scope.as_ref().map(|granted| scope::text(granted.permissions())))
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what a refresh changed, if the session is live and still at the generation that the refresh read. The one who
/// finds it so has won; everybody else finds nothing.
///
/// # Errors
/// [`Error::Database`].
pub async fn claim(conn: &mut Conn, from_generation: i64, next: &Session) -> Result<bool> {
    let updated = sqlx::query(
        "update sessions set generation = ?3, generations_made_at = ?4, last_used_at = ?5, refresh_expires_at = ?6,
            access_expires_at = max(access_expires_at, ?7), ip = ?8, user_agent = ?9, fingerprint = ?10, mismatches = 0,
            password_generation = ?11, used_order = (select max(used_order) + 1 from sessions)
         where id = ?1 and generation = ?2 and revoked_at is null",
    )
    .bind(next.id.to_string())
    .bind(from_generation)
    .bind(next.generations.current())
    .bind(made_at_text(&next.generations))
    .bind(next.last_used_at.seconds())
    .bind(next.refresh_expires_at.seconds())
    .bind(next.access_expires_at.seconds())
    .bind(next.ip.as_deref())
    .bind(next.user_agent.as_deref())
    .bind(next.baseline.as_ref().map(Baseline::to_json))
    .bind(next.generations.since_password())
    .execute(conn)
    .await?;
    Ok(updated.rows_affected() > 0)
}

/// The greatest `exp` of the access tokens given out to a user's sessions, or to all sessions; none where there is none.
///
/// # Errors
/// [`Error::Database`].
pub async fn latest_access_expiry(conn: &mut Conn, user: Option<UserId>) -> Result<Option<UnixTime>> {
    let seconds: Option<i64> =
        sqlx::query_scalar("select max(access_expires_at) from sessions where ?1 is null or user_id = ?1")
            .bind(user.map(|user| user.to_string()))
            .fetch_one(conn)
            .await?;
    Ok(seconds.map(instant))
}

/// Notes that a live session proved its password and gives out an access token until `access_expires_at`; whether it was
/// live.
///
/// # Errors
/// [`Error::Database`].
pub async fn prove(conn: &mut Conn, id: SessionId, now: UnixTime, access_expires_at: UnixTime) -> Result<bool> {
    let updated = sqlx::query(
        "update sessions set auth_time = ?2, failed_proofs = 0, access_expires_at = max(access_expires_at, ?3)
         where id = ?1 and revoked_at is null and refresh_expires_at > ?2 and expires_at > ?2",
    )
    .bind(id.to_string())
    .bind(now.seconds())
    .bind(access_expires_at.seconds())
    .execute(conn)
    .await?;
    Ok(updated.rows_affected() > 0)
}

/// Notes that a session that was not revoked gives out an access token until `expires_at`; whether there is one.
///
/// # Errors
/// [`Error::Database`].
pub async fn record_access_expiry(conn: &mut Conn, id: SessionId, expires_at: UnixTime) -> Result<bool> {
    let updated = sqlx::query(
        "update sessions set access_expires_at = max(access_expires_at, ?2) where id = ?1 and revoked_at is null",
    )
    .bind(id.to_string())
    .bind(expires_at.seconds())
    .execute(conn)
    .await?;
    Ok(updated.rows_affected() > 0)
}

/// Counts a wrong password; how many in a row that makes. None where the session is not live.
///
/// # Errors
/// [`Error::Database`].
pub async fn count_failed_proof(conn: &mut Conn, id: SessionId) -> Result<Option<u32>> {
    Ok(sqlx::query_scalar(
        "update sessions set failed_proofs = failed_proofs + 1 where id = ? and revoked_at is null returning failed_proofs",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await?)
}

/// Counts a refresh from another device; how many in a row that makes. None where the session is not live.
///
/// # Errors
/// [`Error::Database`].
pub async fn count_mismatch(conn: &mut Conn, id: SessionId) -> Result<Option<u32>> {
    Ok(sqlx::query_scalar(
        "update sessions set mismatches = mismatches + 1 where id = ? and revoked_at is null returning mismatches",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await?)
}

macro_rules! revoke {
    ($condition:literal) => {
        concat!(
            "update sessions set revoked_at = ?2, revoked_reason = ?3
             where user_id = ?1 and revoked_at is null and ",
            $condition,
            " returning id, access_expires_at, (refresh_expires_at > ?2 and expires_at > ?2) as was_live"
        )
    };
}
/// Notes that the right device refreshed a session.
///
/// # Errors
/// [`Error::Database`].
pub async fn clear_mismatches(conn: &mut Conn, id: SessionId) -> Result<()> {
    sqlx::query("update sessions set mismatches = 0 where id = ?").bind(id.to_string()).execute(conn).await?;
    Ok(())
}

/// Revokes what is selected of a user's sessions, as far as they were not revoked yet.
///
/// # Errors
/// [`Error::Database`], [`Error::Inconsistent`].
pub async fn revoke(
    conn: &mut Conn,
    user: UserId,
    selection: Selection,
    reason: RevokeReason,
    now: UnixTime,
) -> Result<Vec<Revoked>> {
    let (sql, subject) = match selection {
        Selection::All => (revoke!("?4 is null"), None),
        Selection::AllBut(session) => (revoke!("id <> ?4"), Some(session.to_string())),
        Selection::One(session) => (revoke!("id = ?4"), Some(session.to_string())),
        Selection::OfDevice(device) => (revoke!("device_id = ?4"), Some(device.to_string())),
    };
    let rows = sqlx::query(sql)
        .bind(user.to_string())
        .bind(now.seconds())
        .bind(reason.as_str())
        .bind(subject)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Revoked {
                id: session_id(row)?,
                access_expires_at: instant(row.try_get("access_expires_at")?),
                was_live: row.try_get("was_live")?,
            })
        })
        .collect()
}

/// Forgets the fingerprints of all sessions.
///
/// # Errors
/// [`Error::Database`].
pub async fn forget_fingerprints(conn: &mut Conn) -> Result<()> {
    sqlx::query("update sessions set fingerprint = null where fingerprint is not null").execute(conn).await?;
    Ok(())
}

/// Removes up to `limit` sessions that ended before `before`, and whose access tokens are over; how many it were.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete_expired(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<u64> {
    let deleted = sqlx::query(
        "delete from sessions where id in (select id from sessions
            where refresh_expires_at < ?1 and access_expires_at < ?1 limit ?2)",
    )
    .bind(before.seconds())
    .bind(limit)
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}

fn made_at_text(generations: &Generations) -> String {
    let seconds: Vec<i64> = generations.made_at().iter().map(|at| at.seconds()).collect();
    serde_json::Value::from(seconds).to_string()
}

fn session_id(row: &SqliteRow) -> Result<SessionId> {
    let id: String = row.try_get("id")?;
    SessionId::parse(&id).ok_or_else(|| Error::inconsistent("sessions", id, "the id is not a UUID"))
}

fn session(row: &SqliteRow) -> Result<Session> {
    let id = session_id(row)?;
    let broken = |what: &str| Error::inconsistent("sessions", id, what);
    let made_at: Vec<i64> = serde_json::from_str(row.try_get("generations_made_at")?)
        .map_err(|_| broken("the times of its generations are not numbers"))?;
    let made_at = made_at.into_iter().map(instant).collect();
    let generations =
        Generations::from_stored(row.try_get("generation")?, made_at, row.try_get("password_generation")?)
            .ok_or_else(|| broken("its generation, their times and the one of the password don't fit together"))?;
    let baseline = row
        .try_get::<Option<String>, _>("fingerprint")?
        .map(|text| Baseline::from_json(&text).map_err(|_| broken("the fingerprint is not one")))
        .transpose()?;
    let device = row
        .try_get::<Option<String>, _>("device_id")?
        .map(|device| DeviceRow::parse(&device).ok_or_else(|| broken("the device's id is not a UUID")))
        .transpose()?;
    let scope = row
        .try_get::<Option<String>, _>("scope")?
        .map(|text| Scope::parse(&text).ok().flatten().ok_or_else(|| broken("the scope is not one")))
        .transpose()?;
    Ok(Session {
        id,
        user_id: UserId::parse(row.try_get("user_id")?).ok_or_else(|| broken("the user's id is not a UUID"))?,
        client_id: row.try_get("client_id")?,
        device,
        device_name: row.try_get("device_name")?,
        user_agent: row.try_get("user_agent")?,
        ip: row.try_get("ip")?,
        created_at: instant(row.try_get("created_at")?),
        last_used_at: instant(row.try_get("last_used_at")?),
        expires_at: instant(row.try_get("expires_at")?),
        refresh_expires_at: instant(row.try_get("refresh_expires_at")?),
        generations,
        access_expires_at: instant(row.try_get("access_expires_at")?),
        auth_time: instant(row.try_get("auth_time")?),
        failed_proofs: row.try_get("failed_proofs")?,
        mismatches: row.try_get("mismatches")?,
        baseline,
        revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(instant),
        revoked_reason: row.try_get("revoked_reason")?,
        scope,
    })
}

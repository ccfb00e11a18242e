//! The queries on sessions. The function that revokes sessions returns the data that must be announced.

use super::{
    Conn, Error, Result, Tx, instant,
    sql::{Row, sql},
};
use crate::domain::{
    DeviceRowId, Scope, SessionId, UnixTime, UserId,
    device::SealedFingerprint,
    generations::Generations,
    mismatches::Mismatches,
    scope,
    session::{RepeatFromElsewhere, RevokeReason, Session},
};

/// The number of seconds in a day.
const DAY: i64 = 24 * 60 * 60;

/// A session that was just revoked, with the data for its announcement.
#[derive(Clone, Copy, Debug)]
pub struct RevokedSession {
    /// The session.
    pub id: SessionId,
    /// The latest `exp` of the access tokens of the session that the row records.
    pub access_expires_at: UnixTime,
    /// Whether the session had not expired when it was revoked.
    pub was_live: bool,
}

/// A selection among a user's sessions.
#[derive(Clone, Copy, Debug)]
pub enum Selection {
    /// All sessions.
    All,
    /// All sessions except this session.
    AllExcept(SessionId),
    /// This session alone.
    One(SessionId),
    /// The sessions on this device.
    OfDevice(DeviceRowId),
}

macro_rules! select_session {
    ($tail:literal) => {
        concat!(
            "select id, user_id, device_id, client_id, device_name, user_agent, ip, created_at, last_used_at, expires_at,
                refresh_expires_at, generation, generations_made_at, access_expires_at, auth_time, failed_proofs,
                mismatches, fingerprint, revoked_at, revoked_reason, scope, password_generation, device_generations,
                repeated_at, repeated_ip, mismatched_at, device_seen
             from sessions ",
            $tail
        )
    };
}

/// Reads a session, ended sessions included. Returns `None` if there is no session with this id.
pub async fn find(conn: &mut Conn, id: SessionId) -> Result<Option<Session>> {
    let row = sql(select_session!("where id = $1")).bind(id.to_string()).optional(conn).await?;
    row.as_ref().map(session).transpose()
}

/// Reads the sessions of a user that are live at `now`: neither revoked nor expired. The session that was used last comes
/// first.
pub async fn list_live_by_user(conn: &mut Conn, user: UserId, now: UnixTime) -> Result<Vec<Session>> {
    let rows = sql(select_session!(
        "where user_id = $1 and revoked_at is null and refresh_expires_at > $2 and expires_at > $2
         order by used_order desc"
    ))
    .bind(user.to_string())
    .bind(now.seconds())
    .all(conn)
    .await?;
    rows.iter().map(session).collect()
}

/// Reads the sessions of all users that are live at `now`. The session that was used last comes first.
pub async fn list_live(conn: &mut Conn, now: UnixTime) -> Result<Vec<Session>> {
    let rows = sql(select_session!(
        "where revoked_at is null and refresh_expires_at > $1 and expires_at > $1 order by used_order desc"
    ))
    .bind(now.seconds())
    .all(conn)
    .await?;
    rows.iter().map(session).collect()
}

/// Reads at most `limit` sessions of a user that were not revoked, expired sessions included: those that were opened last among
/// those that were opened before the session `after`, the most recently used of them first. Like [`page_revoked_by_user`], it
/// reads an index in the order of the pages, so a page costs the same however many sessions there are.
pub async fn page_unrevoked_by_user(
    conn: &mut Conn,
    user: UserId,
    after: Option<SessionId>,
    limit: i64,
) -> Result<Vec<Session>> {
    let rows = sql(select_session!(
        "where id in (select id from sessions where user_id = $1 and revoked_at is null and id < $2
            order by id desc limit $3)
         order by used_order desc"
    ))
    .bind(user.to_string())
    .bind(after.map_or_else(|| AFTER_EVERY_ID.to_owned(), |id| id.to_string()))
    .bind(limit)
    .all(conn)
    .await?;
    rows.iter().map(session).collect()
}

/// A text that is greater than every id.
pub(super) const AFTER_EVERY_ID: &str = "~";

/// Reads at most `limit` revoked sessions of a user, the last revoked first, from those before the session `after` with its
/// time of revocation.
pub async fn page_revoked_by_user(
    conn: &mut Conn,
    user: UserId,
    after: Option<(UnixTime, SessionId)>,
    limit: i64,
) -> Result<Vec<Session>> {
    let rows = sql(select_session!(
        "where user_id = $1 and (revoked_at, id) < ($2, $3) order by revoked_at desc, id desc limit $4"
    ))
    .bind(user.to_string())
    .bind(after.map_or(i64::MAX, |(at, _)| at.seconds()))
    .bind(after.map_or_else(|| AFTER_EVERY_ID.to_owned(), |(_, id)| id.to_string()))
    .bind(limit)
    .all(conn)
    .await?;
    rows.iter().map(session).collect()
}

/// Inserts a live session. In the order of use it comes after all other sessions.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<()> {
    let order = tx.next_use(session.last_used_at).await?;
    sql(
        "insert into sessions (id, user_id, device_id, client_id, device_name, user_agent, ip, created_at, last_used_at,
            expires_at, refresh_expires_at, generation, generations_made_at, access_expires_at, auth_time, fingerprint,
            scope, used_order, end_day, device_seen)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
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
    .bind(session.fingerprint.as_ref().map(SealedFingerprint::to_json))
    .bind(session.scope.as_ref().map(|granted| scope::text(granted.permissions())))
    .bind(order)
    .bind(day(session.refresh_expires_at))
    .bind(i64::from(session.device_seen))
    .execute(tx)
    .await?;
    Ok(())
}

/// Updates a session after a refresh or a password change, if the session is not revoked and its row is still at
/// `from_generation`. Returns whether a row was updated. If `next` has a new generation, only one of several concurrent calls
/// returns `true`. The update also sets the number of mismatches to 0. It does not write `auth_time` and `failed_proofs`.
pub async fn claim(tx: &mut Tx, from_generation: i64, next: &Session) -> Result<bool> {
    let order = tx.next_use(next.last_used_at).await?;
    let updated = sql(
        "update sessions set generation = $3, generations_made_at = $4, last_used_at = $5, refresh_expires_at = $6,
            access_expires_at = case when access_expires_at > $7 then access_expires_at else $7 end, ip = $8,
            user_agent = $9, fingerprint = $10, mismatches = 0, password_generation = $11,
            used_order = $12, end_day = $13, device_generations = $14, device_seen = $15
         where id = $1 and generation = $2 and revoked_at is null",
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
    .bind(next.fingerprint.as_ref().map(SealedFingerprint::to_json))
    .bind(next.generations.since_password())
    .bind(order)
    .bind(day(next.refresh_expires_at))
    .bind(with_device_text(&next.generations))
    .bind(i64::from(next.device_seen))
    .execute(tx)
    .await?;
    Ok(updated > 0)
}

/// Returns the latest `exp` of access tokens that the rows of a user's sessions record, or the rows of all sessions if `user`
/// is `None`. Returns `None` if there is no session.
pub async fn latest_access_expiry(conn: &mut Conn, user: Option<UserId>) -> Result<Option<UnixTime>> {
    let seconds: Option<i64> =
        sql("select max(access_expires_at) from sessions where cast($1 as text) is null or user_id = $1")
            .bind(user.map(|user| user.to_string()))
            .value(conn)
            .await?;
    Ok(seconds.map(instant))
}

/// Records that the user proved their password in a session at `now`, and that the session issues an access token that expires
/// at `access_expires_at`. Sets the number of wrong passwords to 0. Returns `false`, and changes nothing, if the session is not
/// live.
pub async fn record_proof(conn: &mut Conn, id: SessionId, now: UnixTime, access_expires_at: UnixTime) -> Result<bool> {
    let updated = sql("update sessions set auth_time = $2, failed_proofs = 0,
            access_expires_at = case when access_expires_at > $3 then access_expires_at else $3 end
         where id = $1 and revoked_at is null and refresh_expires_at > $2 and expires_at > $2")
    .bind(id.to_string())
    .bind(now.seconds())
    .bind(access_expires_at.seconds())
    .execute(conn)
    .await?;
    Ok(updated > 0)
}

/// Records that a session issues an access token that expires at `expires_at`. Returns `false`, and changes nothing, if the
/// session is revoked or does not exist.
pub async fn record_access_expiry(conn: &mut Conn, id: SessionId, expires_at: UnixTime) -> Result<bool> {
    let updated = sql(
        "update sessions set access_expires_at = case when access_expires_at > $2 then access_expires_at else $2 end
         where id = $1 and revoked_at is null",
    )
    .bind(id.to_string())
    .bind(expires_at.seconds())
    .execute(conn)
    .await?;
    Ok(updated > 0)
}

macro_rules! revoke {
    ($condition:literal) => {
        concat!(
            "update sessions set revoked_at = $2, revoked_reason = $3
             where user_id = $1 and revoked_at is null and ",
            $condition,
            " returning id, access_expires_at, (refresh_expires_at > $2 and expires_at > $2) as was_live"
        )
    };
}

/// Revokes the selected sessions of a user, expired sessions included. Returns the sessions that this call revoked, without the
/// sessions that were revoked before.
pub async fn revoke(
    conn: &mut Conn,
    user: UserId,
    selection: Selection,
    reason: RevokeReason,
    now: UnixTime,
) -> Result<Vec<RevokedSession>> {
    let (statement, subject) = match selection {
        Selection::All => (sql(revoke!("cast($4 as text) is null")), None),
        Selection::AllExcept(session) => (sql(revoke!("id <> $4")), Some(session.to_string())),
        Selection::One(session) => (sql(revoke!("id = $4")), Some(session.to_string())),
        Selection::OfDevice(device) => (sql(revoke!("device_id = $4")), Some(device.to_string())),
    };
    let rows =
        statement.bind(user.to_string()).bind(now.seconds()).bind(reason.as_str()).bind(subject).all(conn).await?;
    rows.iter()
        .map(|row| {
            Ok(RevokedSession {
                id: session_id(row)?,
                access_expires_at: instant(row.get("access_expires_at")?),
                was_live: row.get("was_live")?,
            })
        })
        .collect()
}

/// Deletes the sealed fingerprints of all sessions.
pub async fn forget_fingerprints(conn: &mut Conn) -> Result<()> {
    sql("update sessions set fingerprint = null where fingerprint is not null").execute(conn).await?;
    Ok(())
}

/// Returns the ids of at most `limit` sessions whose refresh tokens and access tokens all expired before `before`. The
/// statement reads every session that ends on the day of `before`, so it is called outside of a write transaction.
pub async fn list_expired(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<Vec<SessionId>> {
    let rows = sql("select id from sessions
         where end_day <= $2 and refresh_expires_at < $1 and access_expires_at < $1 limit $3")
    .bind(before.seconds())
    .bind(day(before))
    .bind(limit)
    .all(conn)
    .await?;
    rows.iter().map(session_id).collect()
}

/// Deletes the sessions among `ids` whose refresh tokens and access tokens all expired before `before`. The times are checked
/// again, because `ids` come from an earlier transaction. Returns the number of deleted rows.
pub async fn delete_expired(conn: &mut Conn, ids: &[SessionId], before: UnixTime) -> Result<u64> {
    let mut deleted = 0;
    for id in ids {
        deleted += sql("delete from sessions where id = $1 and refresh_expires_at < $2 and access_expires_at < $2")
            .bind(id.to_string())
            .bind(before.seconds())
            .execute(conn)
            .await?;
    }
    Ok(deleted)
}

/// Converts a stored counter. Columns are `i64`, because PostgreSQL has no unsigned numbers. Saturates at [`u32::MAX`].
pub(super) fn counter(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Returns the day on which a session ends, in days since 1970. The index is on the day instead of the second, so that the
/// refreshes of a session change the indexed value at most once a day.
pub(super) fn day(end: UnixTime) -> i64 {
    end.seconds().div_euclid(DAY)
}

/// Returns the times of the stored generations as a JSON array of seconds since 1970.
fn made_at_text(generations: &Generations) -> String {
    json_seconds(generations.latest().rev().map(|(_, issued)| issued.at))
}

/// Returns the numbers of the stored generations that were issued to a request with the device's secret, as a JSON array.
fn with_device_text(generations: &Generations) -> String {
    let with_device = generations.latest().rev().filter(|(_, issued)| issued.with_device);
    serde_json::Value::from(with_device.map(|(number, _)| number).collect::<Vec<i64>>()).to_string()
}

/// Returns times as a JSON array of seconds since 1970.
pub(super) fn json_seconds(times: impl Iterator<Item = UnixTime>) -> String {
    serde_json::Value::from(times.map(UnixTime::seconds).collect::<Vec<i64>>()).to_string()
}

/// Returns the id in the column `id` of a row.
pub(super) fn session_id(row: &Row) -> Result<SessionId> {
    let id: String = row.get("id")?;
    SessionId::parse(&id).ok_or_else(|| Error::inconsistent("sessions", id, "the id is not a UUID"))
}

/// Converts a row. Fails with [`Error::Inconsistent`] if a value is invalid.
fn session(row: &Row) -> Result<Session> {
    let id = session_id(row)?;
    let broken = |what: &str| Error::inconsistent("sessions", id, what);
    let numbers = |column: &str| -> Result<Vec<i64>> {
        serde_json::from_str(row.get(column)?).map_err(|_| broken("a list in its row does not consist of numbers"))
    };
    let instants = |column: &str| -> Result<Vec<UnixTime>> { Ok(numbers(column)?.into_iter().map(instant).collect()) };
    let (made_at, with_device) = (instants("generations_made_at")?, numbers("device_generations")?);
    let (current, since_password) = (row.get("generation")?, row.get("password_generation")?);
    let generations = Generations::from_stored(current, &made_at, &with_device, since_password)
        .ok_or_else(|| broken("its generation, their times and the one of the password don't fit together"))?;
    let (repeated_at, repeated_ip) = (row.get::<Option<i64>>("repeated_at")?, row.get("repeated_ip")?);
    let baseline = row
        .get::<Option<String>>("fingerprint")?
        .map(|text| SealedFingerprint::from_json(&text).map_err(|_| broken("the fingerprint is invalid")))
        .transpose()?;
    let device = row
        .get::<Option<String>>("device_id")?
        .map(|device| DeviceRowId::parse(&device).ok_or_else(|| broken("the device's id is not a UUID")))
        .transpose()?;
    let scope = row
        .get::<Option<String>>("scope")?
        .map(|text| Scope::parse(&text).ok().flatten().ok_or_else(|| broken("the scope is invalid")))
        .transpose()?;
    Ok(Session {
        id,
        user_id: UserId::parse(row.get("user_id")?).ok_or_else(|| broken("the user's id is not a UUID"))?,
        client_id: row.get("client_id")?,
        device,
        device_name: row.get("device_name")?,
        user_agent: row.get("user_agent")?,
        ip: row.get("ip")?,
        created_at: instant(row.get("created_at")?),
        last_used_at: instant(row.get("last_used_at")?),
        expires_at: instant(row.get("expires_at")?),
        refresh_expires_at: instant(row.get("refresh_expires_at")?),
        generations,
        access_expires_at: instant(row.get("access_expires_at")?),
        auth_time: instant(row.get("auth_time")?),
        failed_proofs: counter(row.get("failed_proofs")?),
        mismatches: Mismatches { in_a_row: counter(row.get("mismatches")?), within_a_day: instants("mismatched_at")? },
        repeated: repeated_at.map(|at| RepeatFromElsewhere { at: instant(at), ip: repeated_ip }),
        fingerprint: baseline,
        device_seen: row.get::<i64>("device_seen")? != 0,
        revoked_at: row.get::<Option<i64>>("revoked_at")?.map(instant),
        revoked_reason: row.get("revoked_reason")?,
        scope,
    })
}

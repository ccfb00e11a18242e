//! The queries on what a session counts: wrong passwords, refreshes from another device, repeats from elsewhere and revoked
//! access tokens. And the one that ends a session before its time.

use super::{
    Conn, Result,
    sessions::{counter, day, json_seconds},
    sql::sql,
};
use crate::domain::{SessionId, UnixTime, mismatches::Mismatches, session::RepeatFromElsewhere};

/// Counts a wrong password. Returns the number of wrong passwords since the last right password. Returns `None` if the session
/// is revoked or does not exist.
pub async fn count_failed_proof(conn: &mut Conn, id: SessionId) -> Result<Option<u32>> {
    let count = sql(
        "update sessions set failed_proofs = failed_proofs + 1 where id = $1 and revoked_at is null returning failed_proofs",
    )
    .bind(id.to_string())
    .optional_value(conn)
    .await?;
    Ok(count.map(counter))
}

/// Writes the refreshes of a session that came from another device.
pub async fn set_mismatches(conn: &mut Conn, id: SessionId, mismatches: &Mismatches) -> Result<()> {
    sql("update sessions set mismatches = $2, mismatched_at = $3 where id = $1")
        .bind(id.to_string())
        .bind(i64::from(mismatches.in_a_row))
        .bind(json_seconds(mismatches.within_a_day.iter().copied()))
        .execute(conn)
        .await?;
    Ok(())
}

/// Records a repeat from elsewhere.
pub async fn set_repeated(conn: &mut Conn, id: SessionId, repeat: &RepeatFromElsewhere) -> Result<()> {
    sql("update sessions set repeated_at = $2, repeated_ip = $3 where id = $1")
        .bind(id.to_string())
        .bind(repeat.at.seconds())
        .bind(repeat.ip.as_deref())
        .execute(conn)
        .await?;
    Ok(())
}

/// Counts an access token of a session that was revoked alone. Returns the number of such tokens. Returns `None` if there is no
/// session with this id.
pub async fn count_revoked_token(conn: &mut Conn, id: SessionId) -> Result<Option<u32>> {
    let count = sql("update sessions set revoked_tokens = revoked_tokens + 1 where id = $1 returning revoked_tokens")
        .bind(id.to_string())
        .optional_value(conn)
        .await?;
    Ok(count.map(counter))
}

/// Sets the number of mismatches of a session to 0. Changes nothing if there is no session with this id.
pub async fn clear_mismatches(conn: &mut Conn, id: SessionId) -> Result<()> {
    sql("update sessions set mismatches = 0 where id = $1").bind(id.to_string()).execute(conn).await?;
    Ok(())
}

/// Lets a session expire at `now`. Returns `false`, and changes nothing, if it is not live.
pub async fn expire(conn: &mut Conn, id: SessionId, now: UnixTime) -> Result<bool> {
    let updated = sql("update sessions set refresh_expires_at = $2, end_day = $3
         where id = $1 and revoked_at is null and refresh_expires_at > $2 and expires_at > $2")
    .bind(id.to_string())
    .bind(now.seconds())
    .bind(day(now))
    .execute(conn)
    .await?;
    Ok(updated > 0)
}

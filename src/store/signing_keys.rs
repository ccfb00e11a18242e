//! Signing keys, sealed.

use sqlx::Row;

use super::{Conn, Error, Result, instant};
use crate::domain::{UnixTime, jwt::Algorithm, signing_key::SealedKey};

/// A signing key as stored.
pub struct StoredKey {
    /// Names it.
    pub kid: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Its private half, sealed.
    pub sealed: SealedKey,
    /// What it is used for.
    pub status: KeyStatus,
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// Published, and will sign.
    Next,
    /// Signs.
    Current,
    /// Checks what it signed, until then.
    Retiring(UnixTime),
}

/// All keys, newest first.
///
/// # Errors
/// [`Error::Database`], [`Error::Inconsistent`].
pub async fn list(conn: &mut Conn) -> Result<Vec<StoredKey>> {
    let rows = sqlx::query(
        "select kid, algorithm, sealed, status, retires_at from signing_keys order by created_at desc, kid",
    )
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let kid: String = row.try_get("kid")?;
            let broken = |what: &str| Error::inconsistent("signing_keys", &kid, what);
            let status =
                match (row.try_get::<String, _>("status")?.as_str(), row.try_get::<Option<i64>, _>("retires_at")?) {
                    ("next", None) => KeyStatus::Next,
                    ("current", None) => KeyStatus::Current,
                    ("retiring", Some(at)) => KeyStatus::Retiring(instant(at)),
                    _ => return Err(broken("no such status")),
                };
            Ok(StoredKey {
                algorithm: Algorithm::parse(row.try_get("algorithm")?).ok_or_else(|| broken("no such algorithm"))?,
                sealed: SealedKey::from_stored(row.try_get("sealed")?),
                status,
                kid,
            })
        })
        .collect()
}

/// Inserts a key that signs from now on. The one that did must be retired before.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert_current(
    conn: &mut Conn,
    kid: &str,
    algorithm: Algorithm,
    sealed: &SealedKey,
    now: UnixTime,
) -> Result<()> {
    sqlx::query("insert into signing_keys (kid, algorithm, sealed, status, created_at) values (?, ?, ?, 'current', ?)")
        .bind(kid)
        .bind(algorithm.as_str())
        .bind(sealed.as_bytes())
        .bind(now.seconds())
        .execute(conn)
        .await?;
    Ok(())
}

/// Lets the current key check what it signed until `until`, and sign no more; its `kid`.
///
/// # Errors
/// [`Error::Database`].
pub async fn retire_current(conn: &mut Conn, until: UnixTime) -> Result<Option<String>> {
    Ok(sqlx::query_scalar(
        "update signing_keys set status = 'retiring', retires_at = ? where status = 'current' returning kid",
    )
    .bind(until.seconds())
    .fetch_optional(conn)
    .await?)
}

/// Removes keys whose last token is over; how many it were.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete_expired(conn: &mut Conn, now: UnixTime) -> Result<u64> {
    let deleted = sqlx::query("delete from signing_keys where status = 'retiring' and retires_at < ?")
        .bind(now.seconds())
        .execute(conn)
        .await?;
    Ok(deleted.rows_affected())
}

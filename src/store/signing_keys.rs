//! The queries on signing keys. The private part of each key is sealed.

use super::{Conn, Error, Result, instant, sql::sql};
use crate::domain::{UnixTime, jwt::Algorithm, signing_key::SealedKey};

/// A signing key as stored.
pub struct StoredKey {
    /// The key's identifier, the `kid` of its tokens.
    pub kid: String,
    /// The algorithm of the key's signatures.
    pub algorithm: Algorithm,
    /// The sealed private part.
    pub sealed: SealedKey,
    /// The step in the life of the key.
    pub status: KeyStatus,
    /// The time at which the row was inserted.
    pub created_at: UnixTime,
    /// The time from which the key signs or signed.
    pub signs_from: UnixTime,
}

/// A step in the life of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// The key is published and will sign later.
    Next,
    /// The key signs.
    Current,
    /// The key only verifies the tokens that it signed, up to and including this time.
    Retiring(UnixTime),
}

impl KeyStatus {
    /// Returns the value that the column `status` contains.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retiring(_) => "retiring",
        }
    }
}

/// Reads all keys: the next key, the current key, and then the retiring keys, of which the newest is first.
pub async fn list(conn: &mut Conn) -> Result<Vec<StoredKey>> {
    let rows = sql("select kid, algorithm, sealed, status, created_at, signs_from, retires_at from signing_keys
            order by case status when 'next' then 0 when 'current' then 1 else 2 end, signs_from desc, kid")
    .all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let kid: String = row.get("kid")?;
            let broken = |what: &str| Error::inconsistent("signing_keys", &kid, what);
            let status = match (row.get::<String>("status")?.as_str(), row.get::<Option<i64>>("retires_at")?) {
                ("next", None) => KeyStatus::Next,
                ("current", None) => KeyStatus::Current,
                ("retiring", Some(at)) => KeyStatus::Retiring(instant(at)),
                _ => return Err(broken("no such status")),
            };
            Ok(StoredKey {
                algorithm: row.get::<&str>("algorithm")?.parse().map_err(|()| broken("no such algorithm"))?,
                sealed: SealedKey::from_stored(row.get("sealed")?),
                status,
                created_at: instant(row.get("created_at")?),
                signs_from: instant(row.get("signs_from")?),
                kid,
            })
        })
        .collect()
}

/// Inserts a key and changes no other key. Fails with [`Error::Database`] if the key is the current or the next key and another
/// key has this status, or if the `kid` is in use.
pub async fn insert(conn: &mut Conn, key: &StoredKey) -> Result<()> {
    let retires_at = match key.status {
        KeyStatus::Retiring(at) => Some(at.seconds()),
        KeyStatus::Next | KeyStatus::Current => None,
    };
    sql("insert into signing_keys (kid, algorithm, sealed, status, created_at, signs_from, retires_at)
            values ($1, $2, $3, $4, $5, $6, $7)")
    .bind(&key.kid)
    .bind(key.algorithm.as_str())
    .bind(key.sealed.as_bytes())
    .bind(key.status.as_str())
    .bind(key.created_at.seconds())
    .bind(key.signs_from.seconds())
    .bind(retires_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the `kid` of the next key if it is due to sign at `now`. Otherwise returns `None`.
pub async fn find_due(conn: &mut Conn, now: UnixTime) -> Result<Option<String>> {
    sql("select kid from signing_keys where status = 'next' and signs_from <= $1")
        .bind(now.seconds())
        .optional_value(conn)
        .await
}

/// Makes the next key the current key, which signs from `now`. Changes nothing if there is no next key. The previous current
/// key must be retired first, because only one key can be current.
pub async fn promote_next(conn: &mut Conn, now: UnixTime) -> Result<()> {
    sql("update signing_keys set status = 'current', signs_from = $1 where status = 'next'")
        .bind(now.seconds())
        .execute(conn)
        .await?;
    Ok(())
}

/// Retires the current key: it no longer signs, and verifies its tokens until `until`. Returns its `kid`, or `None` if there
/// is no current key.
pub async fn retire_current(conn: &mut Conn, until: UnixTime) -> Result<Option<String>> {
    sql("update signing_keys set status = 'retiring', retires_at = $1 where status = 'current' returning kid")
        .bind(until.seconds())
        .optional_value(conn)
        .await
}

/// Replaces the sealed private part of a key. Changes nothing if there is no key with this `kid`.
pub async fn reseal(conn: &mut Conn, kid: &str, sealed: &SealedKey) -> Result<()> {
    sql("update signing_keys set sealed = $1 where kid = $2").bind(sealed.as_bytes()).bind(kid).execute(conn).await?;
    Ok(())
}

/// Deletes a key, even if tokens that it signed have not expired. Changes nothing if there is no key with this `kid`.
pub async fn delete(conn: &mut Conn, kid: &str) -> Result<()> {
    sql("delete from signing_keys where kid = $1").bind(kid).execute(conn).await?;
    Ok(())
}

/// Deletes the next key, which has signed nothing. Returns its `kid`, or `None` if there is no next key.
pub async fn delete_next(conn: &mut Conn) -> Result<Option<String>> {
    sql("delete from signing_keys where status = 'next' returning kid").optional_value(conn).await
}

/// Deletes all keys. Returns their `kid`s.
pub async fn delete_all(conn: &mut Conn) -> Result<Vec<String>> {
    sql("delete from signing_keys returning kid").values(conn).await
}

/// Deletes the retiring keys that verify only until a time before `now`. Returns their `kid`s.
pub async fn delete_expired(conn: &mut Conn, now: UnixTime) -> Result<Vec<String>> {
    sql("delete from signing_keys where status = 'retiring' and retires_at < $1 returning kid")
        .bind(now.seconds())
        .values(conn)
        .await
}

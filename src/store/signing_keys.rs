//! Signing keys, sealed.

use super::{Conn, Error, Result, instant, sql::sql};
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
    /// When it came here.
    pub created_at: UnixTime,
    /// When it begins or began to sign.
    pub signs_from: UnixTime,
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

impl KeyStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retiring(_) => "retiring",
        }
    }
}

/// All keys: the next one, the current one, and those that retire, newest first.
///
/// # Errors
/// [`Error::Database`], [`Error::Inconsistent`].
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
                algorithm: Algorithm::parse(row.get("algorithm")?).ok_or_else(|| broken("no such algorithm"))?,
                sealed: SealedKey::from_stored(row.get("sealed")?),
                status,
                created_at: instant(row.get("created_at")?),
                signs_from: instant(row.get("signs_from")?),
                kid,
            })
        })
        .collect()
}

/// Inserts a key that retires nothing and is retired by nothing. Where it is the current or the next one, there must be no
/// other.
///
/// # Errors
/// [`Error::Database`].
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

/// The next key, if its time has come.
///
/// # Errors
/// [`Error::Database`].
pub async fn find_due(conn: &mut Conn, now: UnixTime) -> Result<Option<String>> {
    sql("select kid from signing_keys where status = 'next' and signs_from <= $1")
        .bind(now.seconds())
        .optional_value(conn)
        .await
}

/// Makes the next key the current one. The one that was must be retired before.
///
/// # Errors
/// [`Error::Database`].
pub async fn promote_next(conn: &mut Conn, now: UnixTime) -> Result<()> {
    sql("update signing_keys set status = 'current', signs_from = $1 where status = 'next'")
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
    sql("update signing_keys set status = 'retiring', retires_at = $1 where status = 'current' returning kid")
        .bind(until.seconds())
        .optional_value(conn)
        .await
}

/// Seals a key anew.
///
/// # Errors
/// [`Error::Database`].
pub async fn reseal(conn: &mut Conn, kid: &str, sealed: &SealedKey) -> Result<()> {
    sql("update signing_keys set sealed = $1 where kid = $2").bind(sealed.as_bytes()).bind(kid).execute(conn).await?;
    Ok(())
}

/// Removes a key, whatever it signed.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete(conn: &mut Conn, kid: &str) -> Result<()> {
    sql("delete from signing_keys where kid = $1").bind(kid).execute(conn).await?;
    Ok(())
}

/// Removes the next key, which has signed nothing; its `kid`.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete_next(conn: &mut Conn) -> Result<Option<String>> {
    sql("delete from signing_keys where status = 'next' returning kid").optional_value(conn).await
}

/// Removes every key; their `kid`s.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete_all(conn: &mut Conn) -> Result<Vec<String>> {
    sql("delete from signing_keys returning kid").values(conn).await
}

/// Removes keys whose last token is over; their `kid`s.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete_expired(conn: &mut Conn, now: UnixTime) -> Result<Vec<String>> {
    sql("delete from signing_keys where status = 'retiring' and retires_at < $1 returning kid")
        .bind(now.seconds())
        .values(conn)
        .await
}

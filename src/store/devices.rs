//! Devices: who holds a `device_id`.

use super::{Conn, Error, Result, instant, sql::sql};
use crate::domain::{DeviceRow, UnixTime, UserId, device::DeviceSecretHash};

/// A device as stored.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its row.
    pub id: DeviceRow,
    /// Through which client it signs in.
    pub client_id: String,
    /// When it was first seen.
    pub created_at: UnixTime,
    /// Its last login or refresh.
    pub last_used_at: UnixTime,
}

/// The device of a user and client that holds a secret.
///
/// # Errors
/// [`Error::Database`], [`Error::Inconsistent`].
pub async fn find_by_secret(
    conn: &mut Conn,
    user: UserId,
    client_id: &str,
    secret: &DeviceSecretHash,
) -> Result<Option<DeviceRow>> {
    let id: Option<String> = sql("select id from devices where secret_hash = $1 and user_id = $2 and client_id = $3")
        .bind(secret.as_bytes().as_slice())
        .bind(user.to_string())
        .bind(client_id)
        .optional_value(conn)
        .await?;
    id.map(|id| DeviceRow::parse(&id).ok_or_else(|| Error::inconsistent("devices", id, "the id is not a UUID")))
        .transpose()
}

/// Inserts a device.
///
/// # Errors
/// [`Error::Database`].
pub async fn insert(
    conn: &mut Conn,
    id: DeviceRow,
    user: UserId,
    client_id: &str,
    secret: &DeviceSecretHash,
    now: UnixTime,
) -> Result<()> {
    sql(
        "insert into devices (id, user_id, client_id, secret_hash, created_at, last_used_at) values ($1, $2, $3, $4, $5, $5)",
    )
    .bind(id.to_string())
    .bind(user.to_string())
    .bind(client_id)
    .bind(secret.as_bytes().as_slice())
    .bind(now.seconds())
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes when a device was last used. Returns whether there is such a device.
///
/// # Errors
/// [`Error::Database`].
pub async fn touch(conn: &mut Conn, id: DeviceRow, now: UnixTime) -> Result<bool> {
    let updated = sql("update devices set last_used_at = $1 where id = $2")
        .bind(now.seconds())
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(updated > 0)
}

/// A user's devices, latest use first.
///
/// # Errors
/// [`Error::Database`], [`Error::Inconsistent`].
pub async fn list_by_user(conn: &mut Conn, user: UserId) -> Result<Vec<Device>> {
    let rows = sql(
        "select id, client_id, created_at, last_used_at from devices where user_id = $1 order by last_used_at desc, created_at desc, id",
    )
    .bind(user.to_string())
    .all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let id: String = row.get("id")?;
            Ok(Device {
                id: DeviceRow::parse(&id).ok_or_else(|| Error::inconsistent("devices", &id, "the id is not a UUID"))?,
                client_id: row.get("client_id")?,
                created_at: instant(row.get("created_at")?),
                last_used_at: instant(row.get("last_used_at")?),
            })
        })
        .collect()
}

/// Deletes up to `limit` devices that have no session and were not used since `before`. Returns the number of deleted rows.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete_expired(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<u64> {
    sql("delete from devices where id in (select id from devices where last_used_at < $1
            and not exists (select 1 from sessions where device_id = devices.id) limit $2)")
    .bind(before.seconds())
    .bind(limit)
    .execute(conn)
    .await
}

/// Deletes every device. Returns the number of deleted rows.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete_all(conn: &mut Conn) -> Result<u64> {
    sql("delete from devices").execute(conn).await
}

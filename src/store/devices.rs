//! The table of devices. A device is known by its `device_id`, of which only a keyed hash is stored.

use super::{Conn, Error, Result, instant, sql::sql};
use crate::domain::{DeviceRow, UnixTime, UserId, device::DeviceSecretHash};

/// A device as stored.
#[derive(Clone, Debug)]
pub struct Device {
    /// The id of its row. This is not the `device_id`, which is a secret.
    pub id: DeviceRow,
    /// The client through which the user signed in on it.
    pub client_id: String,
    /// The time of its first login.
    pub created_at: UnixTime,
    /// The time of its last login or refresh. A trigger raises it to the end of a deleted session of the device.
    pub last_used_at: UnixTime,
}

/// Finds the device of a user and client by the hash of its secret. `None` if there is no such device.
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

/// Sets the time of the last use of a device. Returns `false` if the device does not exist.
pub async fn touch(conn: &mut Conn, id: DeviceRow, now: UnixTime) -> Result<bool> {
    let updated = sql("update devices set last_used_at = $1 where id = $2")
        .bind(now.seconds())
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(updated > 0)
}

/// Reads a user's devices, latest use first.
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

/// Deletes up to `limit` devices that have no session and were last used before `before`. Returns the number of deleted rows.
pub async fn delete_expired(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<u64> {
    sql("delete from devices where id in (select id from devices where last_used_at < $1
            and not exists (select 1 from sessions where device_id = devices.id) limit $2)")
    .bind(before.seconds())
    .bind(limit)
    .execute(conn)
    .await
}

/// Deletes all devices. Returns the number of deleted rows.
pub async fn delete_all(conn: &mut Conn) -> Result<u64> {
    sql("delete from devices").execute(conn).await
}

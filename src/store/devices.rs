//! The queries on devices. A client identifies its device by the secret `device_id`. Only a keyed hash of the secret is stored.

use super::{Conn, Error, Result, instant, sql::sql};
use crate::domain::{DeviceRowId, UnixTime, UserId, device::DeviceSecretHash};

/// A device as stored.
#[derive(Clone, Debug)]
pub struct Device {
    /// The id of the row. This is not the `device_id`, which is a secret.
    pub id: DeviceRowId,
    /// The id of the client through which the user logged in on the device.
    pub client_id: String,
    /// The time of the first login on the device.
    pub created_at: UnixTime,
    /// The time of the last login on the device. When a session of the device is deleted, a trigger raises this time to the
    /// time at which the session was revoked or its refresh token expired. The setting `device_retention` counts from this
    /// time.
    pub last_used_at: UnixTime,
}

/// Returns the row id of the user's device for this client and secret hash. Returns `None` if there is no such device.
pub async fn find_id_by_secret_hash(
    conn: &mut Conn,
    user: UserId,
    client_id: &str,
    secret: &DeviceSecretHash,
) -> Result<Option<DeviceRowId>> {
    let id: Option<String> = sql("select id from devices where secret_hash = $1 and user_id = $2 and client_id = $3")
        .bind(secret.as_bytes().as_slice())
        .bind(user.to_string())
        .bind(client_id)
        .optional_value(conn)
        .await?;
    id.map(|id| DeviceRowId::parse(&id).ok_or_else(|| Error::inconsistent("devices", id, "the id is not a UUID")))
        .transpose()
}

/// Inserts a device. Fails with [`Error::Database`] if there is no user with this id.
pub async fn insert(
    conn: &mut Conn,
    id: DeviceRowId,
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

/// Sets the time of the last use of a device. Returns `false` if there is no device with this id.
pub async fn set_last_used(conn: &mut Conn, id: DeviceRowId, now: UnixTime) -> Result<bool> {
    let updated = sql("update devices set last_used_at = $1 where id = $2")
        .bind(now.seconds())
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(updated > 0)
}

/// Reads at most `limit` devices of a user, in the order of their ids, from those after the device `after`.
pub async fn page_by_user(
    conn: &mut Conn,
    user: UserId,
    after: Option<DeviceRowId>,
    limit: i64,
) -> Result<Vec<Device>> {
    let rows = sql("select id, client_id, created_at, last_used_at from devices
         where user_id = $1 and id > $2 order by id limit $3")
    .bind(user.to_string())
    .bind(after.map(|id| id.to_string()).unwrap_or_default())
    .bind(limit)
    .all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let id: String = row.get("id")?;
            Ok(Device {
                id: DeviceRowId::parse(&id)
                    .ok_or_else(|| Error::inconsistent("devices", &id, "the id is not a UUID"))?,
                client_id: row.get("client_id")?,
                created_at: instant(row.get("created_at")?),
                last_used_at: instant(row.get("last_used_at")?),
            })
        })
        .collect()
}

/// Deletes at most `limit` devices whose `last_used_at` is before `before` and that have no session row, not even of an ended
/// session. Returns the number of deleted rows.
pub async fn delete_expired(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<u64> {
    sql("delete from devices where id in (select id from devices where last_used_at < $1
            and not exists (select 1 from sessions where device_id = devices.id) limit $2)")
    .bind(before.seconds())
    .bind(limit)
    .execute(conn)
    .await
}

/// Deletes a device of a user. Its sessions stay; their `device_id` becomes null. Returns `false` if the user has no such
/// device.
pub async fn delete(conn: &mut Conn, user: UserId, device: DeviceRowId) -> Result<bool> {
    let deleted = sql("delete from devices where id = $1 and user_id = $2")
        .bind(device.to_string())
        .bind(user.to_string())
        .execute(conn)
        .await?;
    Ok(deleted > 0)
}

/// Deletes all devices. Sessions stay; their `device_id` becomes null. Returns the number of deleted rows.
pub async fn delete_all(conn: &mut Conn) -> Result<u64> {
    sql("delete from devices").execute(conn).await
}

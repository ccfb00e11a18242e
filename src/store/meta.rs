//! The queries on the table `meta`, which contains facts about the database itself as pairs of key and value.

use super::{Conn, Result, sql::sql};

/// Reads the value of `key`. Returns `None` if `key` is not set.
pub async fn find(conn: &mut Conn, key: &str) -> Result<Option<String>> {
    sql("select value from meta where key = $1").bind(key).optional_value(conn).await
}

/// Sets `key` unless it is set already. Returns the value that is then stored. If several processes call this function at once,
/// all of them get the same value.
pub async fn find_or_set(conn: &mut Conn, key: &str, value: &str) -> Result<String> {
    sql("insert into meta (key, value) values ($1, $2) on conflict do nothing")
        .bind(key)
        .bind(value)
        .execute(conn)
        .await?;
    Ok(find(conn, key).await?.unwrap_or_else(|| value.to_owned()))
}

/// Sets `key`, and replaces an earlier value.
pub async fn set(conn: &mut Conn, key: &str, value: &str) -> Result<()> {
    sql("insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value")
        .bind(key)
        .bind(value)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes `key`. Changes nothing if `key` is not set.
pub async fn delete(conn: &mut Conn, key: &str) -> Result<()> {
    sql("delete from meta where key = $1").bind(key).execute(conn).await?;
    Ok(())
}

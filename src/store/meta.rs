//! Facts about the database itself.

use super::{Conn, Result, sql::sql};

/// The value of `key`.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn find(conn: &mut Conn, key: &str) -> Result<Option<String>> {
    sql("select value from meta where key = $1").bind(key).optional_value(conn).await
}

/// Sets `key` unless it is set, and returns the value that stands there then. Of several processes that do this at once, all
/// get the value of one of them.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn find_or_set(conn: &mut Conn, key: &str, value: &str) -> Result<String> {
    sql("insert into meta (key, value) values ($1, $2) on conflict do nothing")
        .bind(key)
        .bind(value)
        .execute(conn)
        .await?;
    Ok(find(conn, key).await?.unwrap_or_else(|| value.to_owned()))
}

/// Sets `key`.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn set(conn: &mut Conn, key: &str, value: &str) -> Result<()> {
    sql("insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value")
        .bind(key)
        .bind(value)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes `key`.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn delete(conn: &mut Conn, key: &str) -> Result<()> {
    sql("delete from meta where key = $1").bind(key).execute(conn).await?;
    Ok(())
}

//! Facts about the database itself.

use super::{Conn, Result};

/// The value of `key`.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn find(conn: &mut Conn, key: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("select value from meta where key = ?").bind(key).fetch_optional(conn).await?)
}

/// Sets `key`.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn set(conn: &mut Conn, key: &str, value: &str) -> Result<()> {
    sqlx::query("insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value")
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
    sqlx::query("delete from meta where key = ?").bind(key).execute(conn).await?;
    Ok(())
}

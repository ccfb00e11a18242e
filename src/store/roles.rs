//! Roles, and who has them.

use super::{Conn, Result};
use crate::domain::{Permission, RoleName, UserId};

/// Whether there is such a role.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn exists(conn: &mut Conn, role: &RoleName) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select 1 from roles where name = ?)")
        .bind(role.as_str())
        .fetch_one(conn)
        .await?)
}

/// The names of all roles.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn list_names(conn: &mut Conn) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("select name from roles order by name").fetch_all(conn).await?)
}

/// How many users who can sign in have a role.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn count_active_members(conn: &mut Conn, role: &str) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "select count(*) from user_roles join users on users.id = user_id where role = ? and disabled_at is null",
    )
    .bind(role)
    .fetch_one(conn)
    .await?)
}

/// Gives a user exactly these roles.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn set_of_user(conn: &mut Conn, user: UserId, roles: &[RoleName]) -> Result<()> {
    sqlx::query("delete from user_roles where user_id = ?").bind(user.to_string()).execute(&mut *conn).await?;
    for role in roles {
        sqlx::query("insert or ignore into user_roles (user_id, role) values (?, ?)")
            .bind(user.to_string())
            .bind(role.as_str())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Gives a user exactly these permissions beside those of their roles.
///
/// # Errors
/// [`super::Error::Database`].
pub async fn set_permissions_of_user(conn: &mut Conn, user: UserId, permissions: &[Permission]) -> Result<()> {
    sqlx::query("delete from user_permissions where user_id = ?").bind(user.to_string()).execute(&mut *conn).await?;
    for permission in permissions {
        sqlx::query("insert or ignore into user_permissions (user_id, permission) values (?, ?)")
            .bind(user.to_string())
            .bind(permission.as_str())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

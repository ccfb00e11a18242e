//! The queries on roles, on their members, and on the permissions of roles and users.

use std::collections::{BTreeMap, BTreeSet};

use super::{Conn, Error, Result, sql::sql};
use crate::domain::{Permission, RoleName, Roles, UnixTime, UserId};

/// Reads all roles, each with the permissions that are granted to it. `admin` therefore has no permission here.
pub async fn find_all(conn: &mut Conn) -> Result<Roles> {
    let rows = sql("select name, permission from roles left join role_permissions on role = name").all(conn).await?;
    let mut all = BTreeMap::<String, BTreeSet<Permission>>::new();
    for row in rows {
        let name: String = row.get("name")?;
        let permissions = all.entry(name.clone()).or_default();
        if let Some(permission) = row.get::<Option<&str>>("permission")? {
            let broken = |what| Error::inconsistent("role_permissions", &name, what);
            permissions.insert(Permission::parse(permission).map_err(broken)?);
        }
    }
    Ok(Roles::new(all))
}

/// Returns the number of members of each role. A role without members is not included.
pub async fn count_members(conn: &mut Conn) -> Result<BTreeMap<String, i64>> {
    let rows = sql("select role, count(*) as members from user_roles group by role").all(conn).await?;
    rows.iter().map(|row| Ok((row.get("role")?, row.get("members")?))).collect()
}

/// Inserts a role. Changes nothing if there is a role with this name.
pub async fn insert(conn: &mut Conn, role: &RoleName, now: UnixTime) -> Result<()> {
    sql("insert into roles (name, created_at) values ($1, $2) on conflict do nothing")
        .bind(role.as_str())
        .bind(now.seconds())
        .execute(conn)
        .await?;
    Ok(())
}

/// Replaces the permissions of a role. Fails with [`Error::Database`] if there is no such role and `permissions` is not empty.
pub async fn set_permissions(conn: &mut Conn, role: &RoleName, permissions: &BTreeSet<Permission>) -> Result<()> {
    sql("delete from role_permissions where role = $1").bind(role.as_str()).execute(&mut *conn).await?;
    for permission in permissions {
        sql("insert into role_permissions (role, permission) values ($1, $2)")
            .bind(role.as_str())
            .bind(permission.as_str())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Deletes a role, its permissions and its memberships. Changes nothing if there is no such role. Fails with
/// [`Error::Database`] for `admin`, which a trigger protects.
pub async fn remove(conn: &mut Conn, role: &RoleName) -> Result<()> {
    sql("delete from roles where name = $1").bind(role.as_str()).execute(conn).await?;
    Ok(())
}

/// Raises by 1 the authorization versions of all members of `role` (no members if it is `None`) and, if `admins_too` is true,
/// of all admins.
pub async fn raise_authorization_versions(conn: &mut Conn, role: Option<&RoleName>, admins_too: bool) -> Result<()> {
    sql("update users set authorization_version = authorization_version + 1
         where id in (select user_id from user_roles where role = $1 or ($2 and role = 'admin'))")
    .bind(role.map(RoleName::as_str))
    .bind(admins_too)
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the number of admins who can sign in: who are not disabled and have a password.
pub async fn count_admins(conn: &mut Conn) -> Result<i64> {
    sql("select count(*) from user_roles join users on users.id = user_id
         where role = 'admin' and disabled_at is null
            and exists (select 1 from credentials where credentials.user_id = users.id and kind = 'password')")
    .value(conn)
    .await
}

/// Replaces the roles of a user. Fails with [`Error::Database`] if the user or a role does not exist.
pub async fn set_of_user(conn: &mut Conn, user: UserId, roles: &[RoleName]) -> Result<()> {
    sql("delete from user_roles where user_id = $1").bind(user.to_string()).execute(&mut *conn).await?;
    for role in roles {
        sql("insert into user_roles (user_id, role) values ($1, $2) on conflict do nothing")
            .bind(user.to_string())
            .bind(role.as_str())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Replaces the permissions that are granted to a user directly, beside the permissions of their roles.
pub async fn set_permissions_of_user(conn: &mut Conn, user: UserId, permissions: &[Permission]) -> Result<()> {
    sql("delete from user_permissions where user_id = $1").bind(user.to_string()).execute(&mut *conn).await?;
    for permission in permissions {
        sql("insert into user_permissions (user_id, permission) values ($1, $2) on conflict do nothing")
            .bind(user.to_string())
            .bind(permission.as_str())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

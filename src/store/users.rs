//! The queries on users, with their roles and permissions, and on passwords.

use super::{
    Conn, Error, Result, instant,
    sql::{Row, sql},
};
use crate::domain::{
    Email, Identifier, Permission, UnixTime, User, UserId, Username,
    password_hash::PasswordHash,
    permission::{ADMIN_ROLE, BUILT_IN},
};

/// The kind of name that another user already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenName {
    /// The username.
    Username,
    /// The email address.
    Email,
}

impl TakenName {
    /// Returns the name of the request field that contains the taken name.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
        }
    }
}

/// A user to insert.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The user's id.
    pub id: UserId,
    /// The username. A user has a username, an email address, or both.
    pub username: Option<Username>,
    /// The email address.
    pub email: Option<Email>,
    /// The time of the registration.
    pub created_at: UnixTime,
}

// `admin` has every permission that is granted to any role. It also has the built-in permissions, which are not in the
// database: `user` adds them.
macro_rules! select_user {
    ($tail:literal) => {
        concat!(
            "select id, username, email, email_verified_at, disabled_at, authorization_version, claims, created_at,
                (select string_agg(role, ' ') from user_roles where user_id = users.id) as roles,
                (select string_agg(permission, ' ') from user_permissions where user_id = users.id) as direct,
                (select string_agg(permission, ' ') from role_permissions where role in
                    (select role from user_roles where user_id = users.id)
                    or exists (select 1 from user_roles where user_id = users.id and role = 'admin')) as by_role
             from users ",
            $tail
        )
    };
}

/// Returns the user with this id, or `None` if there is no such user.
pub async fn find(conn: &mut Conn, id: UserId) -> Result<Option<User>> {
    let row = sql(select_user!("where id = $1")).bind(id.to_string()).optional(conn).await?;
    row.as_ref().map(user_from_row).transpose()
}

/// The username and the verified email address that forward authentication sends to an application.
#[derive(Clone, Debug)]
pub struct ForwardedNames {
    /// The username as the user wrote it.
    pub username: Option<String>,
    /// The email address, if it is verified.
    pub verified_email: Option<String>,
}

/// Returns the names of the user with this id, or `None` if there is no such user.
pub async fn find_names(conn: &mut Conn, id: UserId) -> Result<Option<ForwardedNames>> {
    let row =
        sql("select username, case when email_verified_at is not null then email end as verified_email from users
         where id = $1")
        .bind(id.to_string())
        .optional(conn)
        .await?;
    row.map(|row| Ok(ForwardedNames { username: row.get("username")?, verified_email: row.get("verified_email")? }))
        .transpose()
}

/// Returns the user with this username or email address, or `None` if there is no such user.
pub async fn find_by_identifier(conn: &mut Conn, identifier: &Identifier) -> Result<Option<User>> {
    let by_name = match identifier {
        Identifier::Username(_) => sql(select_user!("where username_key = $1")),
        Identifier::Email(_) => sql(select_user!("where email_key = $1")),
    };
    let row = by_name.bind(identifier.key()).optional(conn).await?;
    row.as_ref().map(user_from_row).transpose()
}

/// Reads all users, in the order of their ids. That is the order of their creation, except for users who were imported with
/// their id.
pub async fn list(conn: &mut Conn) -> Result<Vec<User>> {
    let rows = sql(select_user!("order by id")).all(conn).await?;
    rows.iter().map(user_from_row).collect()
}

/// Reads at most `limit` users whose ids are greater than `after`, in the order of their ids.
pub async fn list_after(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<User>> {
    let rows = sql(select_user!("where id > $1 order by id limit $2")).bind(after).bind(limit).all(conn).await?;
    rows.iter().map(user_from_row).collect()
}

/// Reads the users who have `role`, in the order of their ids. If `admins_too` is true, admins without the role are
/// included.
pub async fn list_with_role(conn: &mut Conn, role: &str, admins_too: bool) -> Result<Vec<User>> {
    let rows = sql(select_user!(
        "where id in (select user_id from user_roles where role = $1 or ($2 and role = 'admin')) order by id"
    ))
    .bind(role)
    .bind(admins_too)
    .all(conn)
    .await?;
    rows.iter().map(user_from_row).collect()
}

/// Returns the number of users, but at most `limit`.
pub async fn count(conn: &mut Conn, limit: i64) -> Result<i64> {
    sql("select count(*) from (select 1 from users limit $1) as some_users").bind(limit).value(conn).await
}

/// Returns whether the table has no user.
pub async fn is_empty(conn: &mut Conn) -> Result<bool> {
    sql("select not exists (select 1 from users)").value(conn).await
}

/// Inserts a user. Returns `Ok(Err(TakenName))`, and inserts nothing, if another user has one of the names.
///
/// # Errors
/// [`Error::Inconsistent`] if there is a user with this id already.
pub async fn insert(conn: &mut Conn, user: &NewUser) -> Result<std::result::Result<(), TakenName>> {
    let inserted = sql(
        "insert into users (id, username, username_key, email, email_key, created_at) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing",
    )
    .bind(user.id.to_string())
    .bind(user.username.as_ref().map(Username::as_str))
    .bind(user.username.as_ref().map(Username::key))
    .bind(user.email.as_ref().map(Email::as_str))
    .bind(user.email.as_ref().map(Email::key))
    .bind(user.created_at.seconds())
    .execute(conn)
    .await?;
    if inserted > 0 {
        return Ok(Ok(()));
    }
    match find_taken(conn, user.id, user.username.as_ref(), user.email.as_ref()).await? {
        Some(taken) => Ok(Err(taken)),
        None => Err(Error::inconsistent("users", user.id, "the id of a new user is in use")),
    }
}

/// Replaces the names of a user. `None` removes the name. Returns `Ok(Err(TakenName))`, and changes nothing, if another user
/// has one of the names. If there is no user with this id, it changes nothing and returns `Ok(Ok(()))`.
///
/// A new email address is not verified. An address is new if it differs from the old address in more than the case of ASCII
/// letters. The lookup key ignores more differences, but two addresses with the same key can still be different mailboxes. An
/// address that stays keeps its key, also if an older account has the same address in another spelling.
pub async fn set_names(
    conn: &mut Conn,
    id: UserId,
    username: Option<&Username>,
    email: Option<&Email>,
) -> Result<std::result::Result<(), TakenName>> {
    let updated = sql("update users set username = $1, username_key = $2, email = $3,
            email_verified_at = case when lower(email) is not distinct from $6 then email_verified_at end,
            email_key = case when email is not distinct from $3 then email_key else $4 end
         where id = $5 and not exists
            (select 1 from users as other where other.id <> $5 and (other.username_key = $2
                or (other.email_key = $4 and users.email is distinct from $3)))")
    .bind(username.map(Username::as_str))
    .bind(username.map(Username::key))
    .bind(email.map(Email::as_str))
    .bind(email.map(Email::key))
    .bind(id.to_string())
    .bind(email.map(|email| email.as_str().to_ascii_lowercase()))
    .execute(conn)
    .await?;
    if updated > 0 {
        return Ok(Ok(()));
    }
    Ok(find_taken(conn, id, username, email).await?.map_or(Ok(()), Err))
}

/// Returns which of the names belongs to another user; [`TakenName::Email`] if both belong to others, `None` if neither does.
async fn find_taken(
    conn: &mut Conn,
    id: UserId,
    username: Option<&Username>,
    email: Option<&Email>,
) -> Result<Option<TakenName>> {
    let is_email: Option<bool> = sql("select coalesce(email_key = $3, false) as is_email from users
         where id <> $1 and (username_key = $2 or email_key = $3) order by is_email desc limit 1")
    .bind(id.to_string())
    .bind(username.map(Username::key))
    .bind(email.map(Email::key))
    .optional_value(conn)
    .await?;
    Ok(is_email.map(|is_email| if is_email { TakenName::Email } else { TakenName::Username }))
}

/// Sets the verification time of the user's email address; `None` marks the address as unverified. Changes nothing if there is
/// no user with this id, or if the user has no email address.
pub async fn set_email_verified(conn: &mut Conn, id: UserId, at: Option<UnixTime>) -> Result<()> {
    sql("update users set email_verified_at = $1 where id = $2 and email is not null")
        .bind(at.map(UnixTime::seconds))
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Replaces the custom claims of a user. Changes nothing if there is no user with this id.
pub async fn set_claims(
    conn: &mut Conn,
    id: UserId,
    claims: &serde_json::Map<String, serde_json::Value>,
) -> Result<()> {
    sql("update users set claims = $1 where id = $2")
        .bind(serde_json::Value::Object(claims.clone()).to_string())
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Disables a user at the time `at`, or enables the user if `at` is `None`. Returns whether the user was enabled before and is
/// disabled now, or the other way round. Changes nothing if there is no user with this id.
pub async fn set_disabled(conn: &mut Conn, id: UserId, at: Option<UnixTime>) -> Result<bool> {
    let updated = sql(
        "update users set disabled_at = $1 where id = $2 and (disabled_at is null) <> (cast($1 as bigint) is null)",
    )
    .bind(at.map(UnixTime::seconds))
    .bind(id.to_string())
    .execute(conn)
    .await?;
    Ok(updated > 0)
}

/// Raises a user's authorization version by 1. Returns the new version. Fails with [`Error::Database`] if there is no user with
/// this id.
pub async fn raise_authorization_version(conn: &mut Conn, id: UserId) -> Result<i64> {
    sql(
        "update users set authorization_version = authorization_version + 1 where id = $1 returning authorization_version",
    )
    .bind(id.to_string())
    .value(conn)
    .await
}

/// Deletes a user with their password, roles, permissions, devices and sessions. Audit events stay. Returns `false` if there is
/// no user with this id.
pub async fn delete(conn: &mut Conn, id: UserId) -> Result<bool> {
    let deleted = sql("delete from users where id = $1").bind(id.to_string()).execute(conn).await?;
    Ok(deleted > 0)
}

/// Returns the stored hash of a user's password, or `None` if there is no user with this id or the user has no password.
pub async fn find_password_hash(conn: &mut Conn, id: UserId) -> Result<Option<PasswordHash>> {
    let phc: Option<String> = sql("select secret from credentials where user_id = $1 and kind = 'password'")
        .bind(id.to_string())
        .optional_value(conn)
        .await?;
    Ok(phc.map(PasswordHash::from_stored))
}

/// Stores the hash of a user's password. Replaces an existing hash. Fails with [`Error::Database`] if there is no user with
/// this id.
pub async fn set_password_hash(conn: &mut Conn, id: UserId, hash: &PasswordHash, now: UnixTime) -> Result<()> {
    sql("insert into credentials (user_id, kind, secret, created_at, updated_at) values ($1, 'password', $2, $3, $3)
         on conflict (user_id) where kind = 'password'
         do update set secret = excluded.secret, updated_at = excluded.updated_at")
    .bind(id.to_string())
    .bind(hash.as_str())
    .bind(now.seconds())
    .execute(conn)
    .await?;
    Ok(())
}

/// Replaces the stored hash `old` by `new`, another hash of the same password. Changes nothing if the stored hash is no longer
/// `old`.
pub async fn replace_password_hash(conn: &mut Conn, id: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<()> {
    sql("update credentials set secret = $1 where user_id = $2 and kind = 'password' and secret = $3")
        .bind(new.as_str())
        .bind(id.to_string())
        .bind(old.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Converts a row. Fails with [`Error::Inconsistent`] if a value is invalid.
fn user_from_row(row: &Row) -> Result<User> {
    let id: String = row.get("id")?;
    let broken = |what: &str| Error::inconsistent("users", &id, what);
    let names = |column: &str| -> Result<Vec<String>> {
        // The names are separated by spaces. A scope token (RFC 6749 §3.3) and a role name contain no space.
        let list: Option<&str> = row.get(column)?;
        let mut names: Vec<String> = list.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    };
    let permissions = |names: Vec<String>| -> Result<Vec<Permission>> {
        let parsed: std::result::Result<Vec<_>, _> = names.iter().map(|name| Permission::parse(name)).collect();
        parsed.map_err(|_| broken("a permission is not a scope token"))
    };
    let roles = names("roles")?;
    let direct_permissions = permissions(names("direct")?)?;
    let mut all = permissions(names("by_role")?)?;
    all.extend(direct_permissions.iter().cloned());
    if roles.iter().any(|role| role == ADMIN_ROLE) {
        all.extend(permissions(BUILT_IN.map(str::to_owned).to_vec())?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(User {
        id: UserId::parse(&id).ok_or_else(|| broken("the id is not a UUID"))?,
        username: row.get("username")?,
        email: row.get("email")?,
        email_verified_at: row.get::<Option<i64>>("email_verified_at")?.map(instant),
        disabled_at: row.get::<Option<i64>>("disabled_at")?.map(instant),
        authorization_version: row.get("authorization_version")?,
        claims: serde_json::from_str(row.get("claims")?).map_err(|_| broken("the claims are not a JSON object"))?,
        roles,
        direct_permissions,
        permissions: all,
        created_at: instant(row.get("created_at")?),
    })
}

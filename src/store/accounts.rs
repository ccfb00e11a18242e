//! The queries of an import: whole accounts, many at once.

use super::{
    Conn, Error, Result, Value,
    sql::{Query, sql},
};
use crate::domain::{Email, Permission, RoleName, UnixTime, UserId, Username, password_hash::PasswordHash};

/// The number of accounts of one call. SQLite looks for each placeholder among all of the statement, so a statement with more
/// rows takes longer for each row.
pub const BATCH: usize = 50;

/// An account to insert.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user's id.
    pub id: UserId,
    /// Whether the id is that of the other system.
    pub id_is_given: bool,
    /// The username. A user has a username, an email address, or both.
    pub username: Option<Username>,
    /// The email address.
    pub email: Option<Email>,
    /// Since when the email address is verified.
    pub email_verified_at: Option<UnixTime>,
    /// Since when the account is disabled.
    pub disabled_at: Option<UnixTime>,
    /// The custom claims: a JSON object.
    pub claims: String,
    /// When the account was created.
    pub created_at: UnixTime,
    /// The hash of the password.
    pub password: Option<PasswordHash>,
    /// The roles.
    pub roles: Vec<RoleName>,
    /// The permissions that are granted to the user directly, beside the permissions of the roles.
    pub permissions: Vec<Permission>,
}

/// An account in the database that has the id or a name of an account to insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What both have.
    pub field: ConflictField,
    /// Whether nothing says that it belongs to another person: no id, username or address that is given differs.
    pub is_same: bool,
}

/// What two accounts can't both have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictField {
    /// The id.
    Id,
    /// The username.
    Username,
    /// The email address.
    Email,
}

impl ConflictField {
    /// Returns the name of the field in a file of accounts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Username => "username",
            Self::Email => "email",
        }
    }
}

/// Returns for each account the conflict with an account in the database; `None` if it has no conflict.
pub async fn find_conflicts(conn: &mut Conn, accounts: &[&Account]) -> Result<Vec<Option<Conflict>>> {
    let mut conflicts: Vec<Option<Conflict>> = vec![None; accounts.len()];
    if accounts.is_empty() {
        return Ok(conflicts);
    }
    let row = |(number, account): (usize, &&Account)| {
        let [username_key, email_key] = keys(account);
        let id = account.id.to_string();
        let given_id = account.id_is_given.then(|| id.clone());
        vec![(number as i64).into(), id.into(), given_id.into(), username_key, email_key]
    };
    // Three joins, so that each reads one index.
    let rows = sql("with new (number, id, given_id, username_key, email_key) as
            (values (cast($1 as bigint), $2, $3, $4, $5)),
         found as (
            select number, 'id' as field, users.id as user_id from new join users on users.id = new.id
            union all
            select number, 'username', users.id from new join users on users.username_key = new.username_key
            union all
            select number, 'email', users.id from new join users on users.email_key = new.email_key)
         select found.number, field,
            coalesce(new.given_id = users.id, new.given_id is null)
            and coalesce(new.username_key = users.username_key, new.username_key is null)
            and coalesce(new.email_key = users.email_key, new.email_key is null) as is_same
         from found join new on new.number = found.number join users on users.id = user_id order by field")
    .rows(accounts.iter().enumerate().map(row).collect())
    .all(conn)
    .await?;
    for row in rows {
        let field: &str = row.get("field")?;
        let broken = || Error::inconsistent("users", field, "a conflict of no account");
        let number = usize::try_from(row.get::<i64>("number")?).map_err(|_| broken())?;
        let known = conflicts.get_mut(number).ok_or_else(broken)?;
        let field = match field {
            "id" => ConflictField::Id,
            "username" => ConflictField::Username,
            "email" => ConflictField::Email,
            _ => return Err(broken()),
        };
        let conflict = Conflict { field, is_same: row.get("is_same")? };
        known.get_or_insert(conflict).is_same |= conflict.is_same;
    }
    Ok(conflicts)
}

/// Inserts accounts with their passwords, roles and permissions. Fails with [`super::Error::Database`] if an account conflicts
/// with another one, or has a role that does not exist.
pub async fn insert(conn: &mut Conn, accounts: &[&Account]) -> Result<()> {
    let id = |account: &Account| Value::from(account.id.to_string());
    let user = |account: &&Account| {
        let [username_key, email_key] = keys(account);
        vec![
            id(account),
            account.username.as_ref().map(Username::as_str).into(),
            username_key,
            account.email.as_ref().map(Email::as_str).into(),
            email_key,
            account.email_verified_at.map(UnixTime::seconds).into(),
            account.disabled_at.map(UnixTime::seconds).into(),
            (&account.claims).into(),
            account.created_at.seconds().into(),
        ]
    };
    let users = sql("insert into users
            (id, username, username_key, email, email_key, email_verified_at, disabled_at, claims, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    insert_rows(conn, users, accounts.iter().map(user).collect()).await?;
    let passwords = accounts.iter().filter_map(|account| {
        let hash = account.password.as_ref()?;
        Some(vec![
            id(account),
            hash.as_str().into(),
            account.created_at.seconds().into(),
            account.created_at.seconds().into(),
        ])
    });
    let credentials = sql(
        "insert into credentials (user_id, kind, secret, created_at, updated_at) values ($1, 'password', $2, $3, $4)",
    );
    insert_rows(conn, credentials, passwords.collect()).await?;
    let roles =
        accounts.iter().flat_map(|account| account.roles.iter().map(|role| vec![id(account), role.as_str().into()]));
    insert_rows(conn, sql("insert into user_roles (user_id, role) values ($1, $2)"), roles.collect()).await?;
    let permission = |account| move |permission: &Permission| vec![id(account), permission.as_str().into()];
    let permissions = accounts.iter().flat_map(|account| account.permissions.iter().map(permission(account)));
    insert_rows(conn, sql("insert into user_permissions (user_id, permission) values ($1, $2)"), permissions.collect())
        .await?;
    Ok(())
}

/// Returns the lookup keys of an account, as values: of the username and of the email address.
fn keys(account: &Account) -> [Value; 2] {
    [account.username.as_ref().map(Username::key).into(), account.email.as_ref().map(Email::key).into()]
}

/// Runs the insertion for these rows, if there are any.
async fn insert_rows(conn: &mut Conn, insertion: Query, rows: Vec<Vec<Value>>) -> Result<()> {
    if !rows.is_empty() {
        insertion.rows(rows).execute(conn).await?;
    }
    Ok(())
}

//! The queries on the lookup keys of usernames and email addresses.

use super::{
    Conn, Error, Result,
    sql::{Row, sql},
};
use crate::domain::UserId;

/// A kind of login name, which has a column of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The username.
    Username,
    /// The email address.
    Email,
}

/// A login name of a user, with its lookup key.
#[derive(Debug)]
pub struct NameKey {
    /// The user.
    pub user: UserId,
    /// The name as the user typed it.
    pub name: String,
    /// The lookup key of the name.
    pub key: String,
}

/// Returns the names of all users, those of the oldest account first.
pub async fn list(conn: &mut Conn, kind: Kind) -> Result<Vec<NameKey>> {
    let rows = match kind {
        Kind::Username => sql(
            "select id, username as name, username_key as key from users where username is not null order by created_at, id",
        ),
        Kind::Email => {
            sql("select id, email as name, email_key as key from users where email is not null order by created_at, id")
        }
    };
    rows.all(conn).await?.iter().map(from_row).collect()
}

/// Returns the names whose lookup key begins with `prefix`, which must not be empty and must end in an ASCII character.
pub async fn list_with_prefix(conn: &mut Conn, kind: Kind, prefix: &str) -> Result<Vec<NameKey>> {
    let mut end = prefix.to_owned();
    let last = end.pop().map_or('\0', |last| char::from(last as u8 + 1));
    end.push(last);
    let rows = match kind {
        Kind::Username => sql("select id, username as name, username_key as key from users
            where username_key >= $1 and username_key < $2 order by id"),
        Kind::Email => sql("select id, email as name, email_key as key from users
            where email_key >= $1 and email_key < $2 order by id"),
    };
    rows.bind(prefix).bind(end).all(conn).await?.iter().map(from_row).collect()
}

/// Returns the user whose name has this lookup key; `None` if there is no such user.
pub async fn find_by_key(conn: &mut Conn, kind: Kind, key: &str) -> Result<Option<UserId>> {
    let found = match kind {
        Kind::Username => sql("select id from users where username_key = $1"),
        Kind::Email => sql("select id from users where email_key = $1"),
    };
    let id: Option<String> = found.bind(key).optional_value(conn).await?;
    id.map(|id| user_id(&id)).transpose()
}

/// Sets the lookup key of a user's name. Fails if another user has this key.
pub async fn set(conn: &mut Conn, kind: Kind, user: UserId, key: &str) -> Result<()> {
    let update = match kind {
        Kind::Username => sql("update users set username_key = $1 where id = $2 and username is not null"),
        Kind::Email => sql("update users set email_key = $1 where id = $2 and email is not null"),
    };
    update.bind(key).bind(user.to_string()).execute(conn).await?;
    Ok(())
}

fn from_row(row: &Row) -> Result<NameKey> {
    let id: String = row.get("id")?;
    Ok(NameKey { user: user_id(&id)?, name: row.get("name")?, key: row.get("key")? })
}

fn user_id(id: &str) -> Result<UserId> {
    UserId::parse(id).ok_or_else(|| Error::inconsistent("users", id, "the id is not a UUID"))
}

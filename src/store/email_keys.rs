//! The queries on the lookup keys of email addresses.

use super::{
    Conn, Error, Result,
    sql::{Row, sql},
};
use crate::domain::UserId;

/// The email address of a user, with its lookup key.
#[derive(Debug)]
pub struct EmailKey {
    /// The user.
    pub user: UserId,
    /// The address as the user typed it.
    pub email: String,
    /// The lookup key of the address.
    pub key: String,
}

/// Returns the addresses of all users, those of the oldest account first.
pub async fn list(conn: &mut Conn) -> Result<Vec<EmailKey>> {
    let rows =
        sql("select id, email, email_key from users where email is not null order by created_at, id").all(conn).await?;
    rows.iter().map(from_row).collect()
}

/// Returns the addresses whose lookup key begins with `prefix`, which must not be empty and must end in an ASCII character.
pub async fn list_with_prefix(conn: &mut Conn, prefix: &str) -> Result<Vec<EmailKey>> {
    let mut end = prefix.to_owned();
    let last = end.pop().map_or('\0', |last| char::from(last as u8 + 1));
    end.push(last);
    let rows = sql("select id, email, email_key from users where email_key >= $1 and email_key < $2 order by id")
        .bind(prefix)
        .bind(end)
        .all(conn)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Returns the user whose address has this lookup key; `None` if there is no such user.
pub async fn find_by_key(conn: &mut Conn, key: &str) -> Result<Option<UserId>> {
    let id: Option<String> = sql("select id from users where email_key = $1").bind(key).optional_value(conn).await?;
    id.map(|id| user_id(&id)).transpose()
}

/// Sets the lookup key of a user's address. Fails if another user has this key.
pub async fn set(conn: &mut Conn, user: UserId, key: &str) -> Result<()> {
    sql("update users set email_key = $1 where id = $2 and email is not null")
        .bind(key)
        .bind(user.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

fn from_row(row: &Row) -> Result<EmailKey> {
    let id: String = row.get("id")?;
    Ok(EmailKey { user: user_id(&id)?, email: row.get("email")?, key: row.get("email_key")? })
}

fn user_id(id: &str) -> Result<UserId> {
    UserId::parse(id).ok_or_else(|| Error::inconsistent("users", id, "the id is not a UUID"))
}

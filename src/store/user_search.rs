//! The list of users for somebody who administers: by the beginning of a name or an address, by role, and by state.
//!
//! Each statement reads one index in the order of the result and stops after a thousand rows. So the cost of a page does not
//! depend on the number of users, and a page may have fewer users than its limit although there are more.

use super::{
    Conn, Error, Result,
    sql::{Query, Row, sql},
};
use crate::domain::UserId;

/// The number of rows after which the search for one page stops.
const SCANNED: i64 = 1000;

/// The users to list. Each field that is `Some` excludes other users.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The beginning of the lookup key of the username or of the address.
    pub prefix: Option<String>,
    /// A role of the user.
    pub role: Option<String>,
    /// Whether the user is disabled.
    pub disabled: Option<bool>,
}

/// The place of a user in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a list without a prefix: the id.
    Id(String),
    /// In a list with a prefix, the users whose username begins with it come first: the lookup key of the username.
    Username(String),
    /// After them come the users whose address alone begins with it: the lookup key of the address.
    Email(String),
}

/// A row that the search has read.
struct Candidate {
    id: UserId,
    /// The id or the lookup key, in the order of the statement.
    key: String,
    is_disabled: bool,
    has_role: bool,
    /// Whether the user was listed already, by the username.
    is_listed: bool,
}

/// Returns the ids of at most `limit` users after the place `after`, and the place of the last one; `None` if there are no more
/// users.
pub async fn search(
    conn: &mut Conn,
    search: &Search,
    after: Option<Place>,
    limit: usize,
) -> Result<(Vec<UserId>, Option<Place>)> {
    let Some(prefix) = search.prefix.as_deref() else {
        let key = after.map_or_else(String::new, Place::into_key);
        return scan(conn, search, by_id(search, &key), Place::Id, limit).await;
    };
    let role = search.role.as_deref().unwrap_or_default();
    let mut found = Vec::new();
    if !matches!(after, Some(Place::Email(_))) {
        let from = after.clone().map_or_else(|| prefix.to_owned(), |place| successor(place.into_key()));
        let (ids, next) = scan(conn, search, by_username(&from, prefix, role), Place::Username, limit).await?;
        found = ids;
        if next.is_some() {
            return Ok((found, next));
        }
    }
    let key = match after {
        Some(Place::Email(key)) => successor(key),
        _ => String::new(),
    };
    let addresses = by_email(key.as_str().max(prefix), prefix, role);
    if found.len() == limit {
        // The names have filled the page. The next page begins with the addresses, if there are any.
        let (more, next) = scan(conn, search, addresses, Place::Email, 1).await?;
        let begins = (!more.is_empty()).then(|| Place::Email(String::new()));
        return Ok((found, begins.or(next)));
    }
    let (ids, next) = scan(conn, search, addresses, Place::Email, limit - found.len()).await?;
    found.extend(ids);
    Ok((found, next))
}

/// Returns the statement for a list without a prefix, in the order of the ids after `key`.
fn by_id(search: &Search, key: &str) -> Query {
    match (&search.role, search.disabled) {
        (Some(role), _) => {
            sql("select users.id, users.id as key, disabled_at is not null as is_disabled, true as has_role,
                false as is_listed
             from user_roles join users on users.id = user_id
             where role = $3 and user_id > $1 order by user_id limit $2")
            .bind(key)
            .bind(SCANNED)
            .bind(role)
        }
        (None, Some(true)) => sql("select id, id as key, true as is_disabled, false as has_role, false as is_listed
             from users where disabled_at is not null and id > $1 order by id limit $2")
        .bind(key)
        .bind(SCANNED),
        (None, _) => sql("select id, id as key, disabled_at is not null as is_disabled, false as has_role,
                false as is_listed
             from users where id > $1 order by id limit $2")
        .bind(key)
        .bind(SCANNED),
    }
}

/// Returns the statement for the usernames with a prefix, from the lookup key `from` on.
fn by_username(from: &str, prefix: &str, role: &str) -> Query {
    sql("select id, username_key as key, disabled_at is not null as is_disabled,
            exists (select 1 from user_roles where user_id = users.id and role = $4) as has_role, false as is_listed
         from users where username_key >= $1 and username_key < $2 order by username_key limit $3")
    .bind(from)
    .bind(end(prefix))
    .bind(SCANNED)
    .bind(role)
}

/// Returns the statement for the addresses with a prefix, from the lookup key `from` on.
fn by_email(from: &str, prefix: &str, role: &str) -> Query {
    sql("select id, email_key as key, disabled_at is not null as is_disabled,
            exists (select 1 from user_roles where user_id = users.id and role = $4) as has_role,
            coalesce(username_key >= $5 and username_key < $2, false) as is_listed
         from users where email_key >= $1 and email_key < $2 order by email_key limit $3")
    .bind(from)
    .bind(end(prefix))
    .bind(SCANNED)
    .bind(role)
    .bind(prefix)
}

/// Runs a statement and returns the ids of the users that are searched for, with the place after which the next page begins.
async fn scan(
    conn: &mut Conn,
    search: &Search,
    statement: Query,
    place: fn(String) -> Place,
    limit: usize,
) -> Result<(Vec<UserId>, Option<Place>)> {
    let rows = statement.all(conn).await?;
    let mut found = Vec::new();
    let mut last = None;
    for row in &rows {
        if found.len() == limit {
            return Ok((found, last.map(place)));
        }
        let candidate = Candidate::of(row)?;
        if candidate.matches(search) {
            found.push(candidate.id);
        }
        last = Some(candidate.key);
    }
    let may_have_more = rows.len() as i64 == SCANNED;
    Ok((found, last.filter(|_| may_have_more).map(place)))
}

impl Candidate {
    fn of(row: &Row) -> Result<Self> {
        let id: String = row.get("id")?;
        Ok(Self {
            id: UserId::parse(&id).ok_or_else(|| Error::inconsistent("users", &id, "the id is not a UUID"))?,
            key: row.get("key")?,
            is_disabled: row.get("is_disabled")?,
            has_role: row.get("has_role")?,
            is_listed: row.get("is_listed")?,
        })
    }

    fn matches(&self, search: &Search) -> bool {
        !self.is_listed
            && search.disabled.is_none_or(|disabled| disabled == self.is_disabled)
            && (search.role.is_none() || self.has_role)
    }
}

impl Place {
    fn into_key(self) -> String {
        match self {
            Self::Id(key) | Self::Username(key) | Self::Email(key) => key,
        }
    }
}

/// Returns the least text that is greater than every key with this prefix. No name contains the last character of Unicode,
/// which is not assigned.
fn end(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// Returns a text that is greater than `key` and not greater than any greater key. No name contains a control character.
fn successor(key: String) -> String {
    key + "\u{1}"
}

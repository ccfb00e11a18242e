//! The queries on the links that work once. Triggers delete a link when the password, the address or the state of its account
//! changes.

use serde_json::json;

use super::{Conn, Error, Result, instant, sql::sql};
use crate::domain::{
    UnixTime, UserId,
    one_time::{LinkHash, LinkPurpose},
    power::TokenRights,
};

/// The user who created a link, with what their access token contained.
#[derive(Clone, Debug)]
pub struct Creator {
    /// The user.
    pub user: UserId,
    /// The rights of the token.
    pub rights: TokenRights,
}

/// A link as stored.
#[derive(Clone, Debug)]
pub struct StoredLink {
    /// What the link is for.
    pub purpose: LinkPurpose,
    /// The user who chooses a password by the link. `None` for [`LinkPurpose::Setup`].
    pub user: Option<UserId>,
    /// Who created the link; `None` if the operator did.
    pub creator: Option<Creator>,
    /// The time from which the link does not work any longer.
    pub expires_at: UnixTime,
    /// The time at which the link was used; `None` if it was not.
    pub used_at: Option<UnixTime>,
}

/// Inserts a link for a user by its creator, and deletes the earlier unused links of the same user. If `of` is `None`, the
/// link is for the set-up, and the earlier ones for the set-up are deleted.
pub async fn insert(
    conn: &mut Conn,
    hash: &LinkHash,
    purpose: LinkPurpose,
    of: Option<(UserId, Option<Creator>)>,
    now: UnixTime,
) -> Result<UnixTime> {
    let (user, creator) = of.map_or((None, None), |(user, creator)| (Some(user.to_string()), creator));
    let rights = creator.as_ref().map(|creator| json!(creator.rights).to_string());
    sql("delete from one_time_tokens where used_at is null and user_id is not distinct from $1")
        .bind(user.clone())
        .execute(conn)
        .await?;
    let expires_at = now.plus(purpose.lifetime());
    sql("insert into one_time_tokens (sha256, purpose, user_id, creator, creator_rights, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)")
    .bind(hash.as_bytes().as_slice())
    .bind(purpose.as_str())
    .bind(user)
    .bind(creator.map(|creator| creator.user.to_string()))
    .bind(rights)
    .bind(now.seconds())
    .bind(expires_at.seconds())
    .execute(conn)
    .await?;
    Ok(expires_at)
}

/// Reads a link, also if it was used or has expired. Returns `None` if there is no link with this hash.
pub async fn find(conn: &mut Conn, hash: &LinkHash) -> Result<Option<StoredLink>> {
    let row = sql(
        "select purpose, user_id, creator, creator_rights, expires_at, used_at from one_time_tokens where sha256 = $1",
    )
    .bind(hash.as_bytes().as_slice())
    .optional(conn)
    .await?;
    row.map(|row| {
        let broken = |what| Error::inconsistent("one_time_tokens", "a link", what);
        let id = |id: String| UserId::parse(&id).ok_or_else(|| broken("the id of a user is not a UUID"));
        let user = row.get::<Option<String>>("user_id")?.map(id).transpose()?;
        let creator = match row.get::<Option<String>>("creator")? {
            Some(creator) => {
                let rights = serde_json::from_str(&row.get::<String>("creator_rights")?);
                Some(Creator { user: id(creator)?, rights: rights.map_err(|_| broken("the rights are not readable"))? })
            }
            None => None,
        };
        Ok(StoredLink {
            purpose: row.get::<String>("purpose")?.parse().map_err(|()| broken("no such purpose"))?,
            user,
            creator,
            expires_at: instant(row.get("expires_at")?),
            used_at: row.get::<Option<i64>>("used_at")?.map(instant),
        })
    })
    .transpose()
}

/// Marks a link as used. Returns `false`, and changes nothing, if it was used or has expired.
pub async fn claim(conn: &mut Conn, hash: &LinkHash, now: UnixTime) -> Result<bool> {
    let updated =
        sql("update one_time_tokens set used_at = $2 where sha256 = $1 and used_at is null and expires_at > $2")
            .bind(hash.as_bytes().as_slice())
            .bind(now.seconds())
            .execute(conn)
            .await?;
    Ok(updated > 0)
}

/// Returns the time at which a link of the user was last used; `None` if none was used, or if it was deleted since.
pub async fn find_last_use(conn: &mut Conn, user: UserId) -> Result<Option<UnixTime>> {
    let at: Option<i64> =
        sql("select max(used_at) from one_time_tokens where user_id = $1").bind(user.to_string()).value(conn).await?;
    Ok(at.map(instant))
}

/// Deletes at most `limit` links that expired before `before`. Returns the number of deleted rows.
pub async fn delete_expired(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<u64> {
    sql("delete from one_time_tokens where sha256 in (select sha256 from one_time_tokens where expires_at < $1 limit $2)")
        .bind(before.seconds())
        .bind(limit)
        .execute(conn)
        .await
}

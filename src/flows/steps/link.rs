//! The check of a link that works once, and its errors.

use crate::{
    domain::{UnixTime, UserId, one_time::LinkSecret, permission::USERS_WRITE, power::Power},
    memory::{hasher::HashError, throttle::RetryAfter},
    store::{
        self, Conn,
        one_time_tokens::{self, Creator, StoredLink},
        users,
    },
};

/// An error of the use of a link. The link still works, if it worked before.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The link does not exist, was used, has expired, or was replaced; or the account has changed since it was created; or
    /// its creator could not create it any longer.
    #[error("the link does not work any longer")]
    Void,
    /// The password is not acceptable. Contains the end of a sentence about it.
    #[error("the password {0}")]
    Unsuitable(String),
    /// Too many passwords were judged for one address.
    #[error("too many attempts")]
    TooMany(RetryAfter),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Returns the link with this secret if it was not used, has not expired at `now`, and could still be created by its
/// creator. Uses up nothing: a program that follows links, such as a scanner of mail, does no harm.
pub(in crate::flows) async fn find_usable(
    conn: &mut Conn,
    secret: &LinkSecret,
    now: UnixTime,
) -> store::Result<Option<StoredLink>> {
    let link = one_time_tokens::find(conn, &secret.hash()).await?;
    let Some(link) = link.filter(|link| link.used_at.is_none() && now < link.expires_at) else { return Ok(None) };
    if let (Some(creator), Some(user)) = (&link.creator, link.user)
        && !covers(conn, creator, user).await?
    {
        return Ok(None);
    }
    Ok(Some(link))
}

/// Returns whether the creator of a link for a user could create it now. The creator knows the link. If the user has gained
/// more than the creator has, or if the creator has lost something, the creator could otherwise win by it.
async fn covers(conn: &mut Conn, creator: &Creator, user: UserId) -> store::Result<bool> {
    let Some(row) = users::find(conn, creator.user).await? else { return Ok(false) };
    let Some(user) = users::find(conn, user).await? else { return Ok(false) };
    let power = Power::of(&row, &creator.rights);
    Ok(row.disabled_at.is_none() && power.has(USERS_WRITE) && power.check_covers(&user).is_ok())
}

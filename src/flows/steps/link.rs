//! The check of a link that works once, and its errors.

use crate::{
    domain::{UnixTime, one_time::LinkSecret},
    memory::{hasher::HashError, throttle::RetryAfter},
    store::{
        self, Conn,
        one_time_tokens::{self, StoredLink},
    },
};

/// An error of the use of a link. The link still works, if it worked before.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The link does not exist, was used, has expired, or was replaced; or the account has changed since it was created.
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

/// Returns the link with this secret if it was not used and has not expired at `now`. Uses up nothing: a program that follows
/// links, such as a scanner of mail, does no harm.
pub(in crate::flows) async fn find_usable(
    conn: &mut Conn,
    secret: &LinkSecret,
    now: UnixTime,
) -> store::Result<Option<StoredLink>> {
    let link = one_time_tokens::find(conn, &secret.hash()).await?;
    Ok(link.filter(|link| link.used_at.is_none() && now < link.expires_at))
}

//! Checks that run inside a transaction. The session and the user for which the transaction acts must still be valid: they may
//! have changed since the guard checked the access token.

use crate::{
    domain::{AccessClaims, SessionId, UnixTime, UserId, password_hash::PasswordHash, session::SessionState},
    store::{self, Tx, sessions, users},
};

/// The bearer of an access token, according to its claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    /// The session of the token.
    pub session: SessionId,
    user: UserId,
    /// The user's authorization version in the token.
    version: i64,
}

impl Bearer {
    /// Returns the bearer of the access token with these claims.
    pub(crate) fn of(claims: &AccessClaims) -> Self {
        Self { session: claims.sid, user: claims.sub, version: claims.av }
    }
}

/// Returns whether the session is live, and whether the user is active with the same authorization version as in the token.
/// Returns `false` if the session or the user does not exist. This check runs in the transaction that acts for the bearer, so
/// it sees every revocation since the guard checked the token.
pub(crate) async fn bearer_is_live(tx: &mut Tx, bearer: Bearer, now: UnixTime) -> store::Result<bool> {
    let user = users::find(tx, bearer.user).await?;
    let is_unchanged =
        user.is_some_and(|user| user.disabled_at.is_none() && user.authorization_version == bearer.version);
    Ok(is_unchanged && session_is_live(tx, bearer.session, now).await?)
}

/// Returns whether `matched_hash`, the hash that a presented password matched, is still the stored hash of the user's password.
/// This check runs in the transaction that depends on the match.
pub(crate) async fn is_current_password(tx: &mut Tx, user: UserId, matched_hash: &PasswordHash) -> store::Result<bool> {
    Ok(users::find_password_hash(tx, user).await?.is_some_and(|stored| stored.as_str() == matched_hash.as_str()))
}

/// Returns whether a session exists and is live at `now`. This check runs in the transaction that acts for the session.
pub(crate) async fn session_is_live(tx: &mut Tx, session: SessionId, now: UnixTime) -> store::Result<bool> {
    Ok(sessions::find(tx, session).await?.is_some_and(|session| session.state(now) == SessionState::Live))
}

//! Checks within a transaction that the session and the user for which it acts are still valid. Either may have ended since
//! the guard checked the access token.

use crate::{
    domain::{AccessClaims, SessionId, UnixTime, UserId, password::PasswordHash, session::SessionState},
    store::{self, Tx, sessions, users},
};

/// The bearer of an access token, according to its claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    /// The session of the token.
    pub session: SessionId,
    user: UserId,
    version: i64,
}

impl Bearer {
    pub(crate) fn of(claims: &AccessClaims) -> Self {
        Self { session: claims.sid, user: claims.sub, version: claims.av }
    }
}

/// Returns whether the session is live, and whether the user is active with the same authorization version as in the token.
/// It runs in the transaction that acts for the bearer, so it sees everything that was revoked since the guard checked the
/// token.
pub(crate) async fn bearer_is_live(tx: &mut Tx, bearer: Bearer, now: UnixTime) -> store::Result<bool> {
    let user = users::find(tx, bearer.user).await?;
    let stands = user.is_some_and(|user| user.disabled_at.is_none() && user.authorization_version == bearer.version);
    Ok(stands && session_is_live(tx, bearer.session, now).await?)
}

/// Returns whether the password that was proved is still the user's. It runs in the transaction that depends on the proof.
pub(crate) async fn is_current_password(tx: &mut Tx, user: UserId, proved: &PasswordHash) -> store::Result<bool> {
    Ok(users::find_password(tx, user).await?.is_some_and(|stored| stored.as_str() == proved.as_str()))
}

/// Returns whether a session is live at `now`. It runs in the transaction that acts for the session.
pub(crate) async fn session_is_live(tx: &mut Tx, session: SessionId, now: UnixTime) -> store::Result<bool> {
    Ok(sessions::find(tx, session).await?.is_some_and(|session| session.state(now) == SessionState::Live))
}

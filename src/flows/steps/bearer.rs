//! Checks within a transaction that the session and the user it acts for are still valid: either may have ended since the
//! guard checked the access token.

use crate::{
    domain::{AccessClaims, SessionId, UnixTime, UserId, password::PasswordHash, session::SessionState},
    store::{self, Tx, sessions, users},
};

/// Who asks, as the access token says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    /// The session.
    pub session: SessionId,
    user: UserId,
    version: i64,
}

impl Bearer {
    pub(crate) fn of(claims: &AccessClaims) -> Self {
        Self { session: claims.sid, user: claims.sub, version: claims.av }
    }
}

/// Whether the session is live and the user's authorization the one that the token was made under, asked in the transaction
/// that acts for the bearer: whatever ended it since the guard looked is seen.
pub(crate) async fn bearer_is_live(tx: &mut Tx, bearer: Bearer, now: UnixTime) -> store::Result<bool> {
    let user = users::find(tx, bearer.user).await?;
    let stands = user.is_some_and(|user| user.disabled_at.is_none() && user.authorization_version == bearer.version);
    Ok(stands && session_is_live(tx, bearer.session, now).await?)
}

/// Whether the password that was proved is still the user's, asked in the transaction that rests on it.
pub(crate) async fn is_current_password(tx: &mut Tx, user: UserId, proved: &PasswordHash) -> store::Result<bool> {
    Ok(users::find_password(tx, user).await?.is_some_and(|stored| stored.as_str() == proved.as_str()))
}

/// Whether a session is live now, asked in the transaction that acts for it.
pub(crate) async fn session_is_live(tx: &mut Tx, session: SessionId, now: UnixTime) -> store::Result<bool> {
    Ok(sessions::find(tx, session).await?.is_some_and(|session| session.state(now) == SessionState::Live))
}

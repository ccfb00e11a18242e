//! Authenticate: from the text of a token to claims that hold now. For an access token that reads memory only, for a refresh
//! token its session's row.

use std::sync::Arc;

use crate::{
    config::Blacklist,
    domain::{
        AccessClaims, SessionId, UnixTime, User,
        access_token::AccessTokenError,
        refresh_token::{RefreshClaims, RefreshTokenError},
        rotation::{Binding, Decision, decide},
        session::Session,
    },
    flows::Vestibule,
    store::{self, sessions, users},
};

/// The claims of a token that this server made for one of its clients, whose time is not over and which nothing revoked.
///
/// # Errors
/// [`AccessTokenError`]. One that expired and was revoked is expired.
pub fn authenticate(vestibule: &Vestibule, token: &str, now: UnixTime) -> Result<Arc<AccessClaims>, AccessTokenError> {
    let claims = verify_signature(vestibule, token)?;
    check_validity(vestibule, &claims, now)?;
    Ok(claims)
}

/// Whether claims that were checked hold at `now`: their time is not over and nothing revoked them.
///
/// # Errors
/// [`AccessTokenError::Expired`], [`AccessTokenError::Revoked`].
pub fn check_validity(vestibule: &Vestibule, claims: &AccessClaims, now: UnixTime) -> Result<(), AccessTokenError> {
    claims.check_time(now, vestibule.config.tokens.leeway.seconds())?;
    let sessions_count = vestibule.config.sessions.blacklist == Blacklist::Both;
    let own_rule = || vestibule.own_rule.get().is_some_and(|rule| rule(claims));
    if vestibule.revocations.is_revoked(claims, sessions_count) || own_rule() {
        Err(AccessTokenError::Revoked)
    } else {
        Ok(())
    }
}

/// The claims of a token that this server made, over or revoked though it may be: enough to end its session.
///
/// # Errors
/// [`AccessTokenError::Invalid`], [`AccessTokenError::WrongType`].
pub fn verify_signature(vestibule: &Vestibule, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
    let claims = vestibule.keyring.keys().verify(token)?;
    let audience_is_ours =
        vestibule.config.clients.get(&claims.client_id).is_some_and(|client| client.audience == claims.aud);
    if claims.iss != vestibule.config.tokens.issuer || !audience_is_ours {
        return Err(AccessTokenError::Invalid);
    }
    Ok(claims)
}

/// A refresh token that would get something, though nothing of that happened.
#[derive(Debug)]
pub struct LiveRefreshToken {
    /// What it says.
    pub claims: RefreshClaims,
    /// The row of its session.
    pub session: Session,
    /// Whose it is.
    pub user: User,
}

/// Why a refresh token would get nothing.
#[derive(Debug, thiserror::Error)]
pub enum InspectRefreshTokenError {
    /// Not ours, expired, or an access token.
    #[error(transparent)]
    Token(#[from] RefreshTokenError),
    /// Its session or user is no more, or it was rotated away.
    #[error("session {0} is over, or its refresh token is another one")]
    SessionEnded(SessionId),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Looks at a refresh token without using it: it is live if it is its session's current one, or was within the grace. The
/// device is not asked about, and one that comes back too late ends nothing here.
///
/// # Errors
/// [`InspectRefreshTokenError`].
pub async fn inspect_refresh_token(
    vestibule: &Vestibule,
    token: &str,
    now: UnixTime,
) -> Result<LiveRefreshToken, InspectRefreshTokenError> {
    let claims = vestibule.refresh_tokens.verify(token, now)?;
    let ended = || InspectRefreshTokenError::SessionEnded(claims.sid);
    let mut reader = vestibule.store.read().await?;
    let user = users::find(&mut reader, claims.sub).await?.ok_or_else(ended)?;
    let session = sessions::find(&mut reader, claims.sid).await?.ok_or_else(ended)?;
    let is_active = user.disabled_at.is_none() && vestibule.config.clients.get(&claims.client_id).is_some();
    match decide(&session, is_active, claims.generation, Binding::Matches, now, vestibule.rotation_policy()) {
        Decision::Rotate | Decision::Keep | Decision::Repeat => Ok(LiveRefreshToken { claims, session, user }),
        Decision::RefuseEnded | Decision::RefuseOutdated | Decision::RefuseReused | Decision::RefuseDevice => {
            Err(ended())
        }
    }
}

//! Authentication: from the text of a token to claims that are valid now. An access token is checked against memory alone. A
//! refresh token is checked against the rows of its session and user.

use std::sync::Arc;

use crate::{
    config::Blacklist,
    domain::{
        AccessClaims, SessionId, UnixTime, User,
        access_token::AccessTokenError,
        refresh_token::{RefreshClaims, RefreshTokenError},
        rotation::{Decision, DeviceMatch, decide},
        session::Session,
    },
    flows::Vestibule,
    store::{self, sessions, users},
};

/// Verifies an access token and returns its claims. The token must be issued by this server to one of its clients, and must
/// be neither expired nor revoked.
///
/// # Errors
/// [`AccessTokenError`]. A token that has expired and was revoked is reported as expired.
pub fn authenticate(vestibule: &Vestibule, token: &str, now: UnixTime) -> Result<Arc<AccessClaims>, AccessTokenError> {
    let claims = verify_signature(vestibule, token)?;
    check_validity(vestibule, &claims, now)?;
    Ok(claims)
}

/// Checks that an access token with these verified claims is valid at `now`: not expired, and not revoked by this server or
/// by the application's own rule. Under `BLACKLIST_REFRESH` the revocation of its session does not count.
///
/// # Errors
/// [`AccessTokenError::Expired`], [`AccessTokenError::Revoked`], or [`AccessTokenError::Invalid`] before the `nbf` of the
/// token.
pub fn check_validity(vestibule: &Vestibule, claims: &AccessClaims, now: UnixTime) -> Result<(), AccessTokenError> {
    claims.check_time(now, vestibule.config.tokens.leeway.seconds())?;
    let sessions_count = vestibule.config.sessions.blacklist == Blacklist::Both;
    let own_rule = || vestibule.revocation_rule.get().is_some_and(|rule| rule(claims));
    if vestibule.revocations.is_revoked(claims, sessions_count) || own_rule() {
        Err(AccessTokenError::Revoked)
    } else {
        Ok(())
    }
}

/// Verifies that this server issued the access token, and returns its claims. The token may be expired or revoked; it can
/// still end its session.
///
/// # Errors
/// [`AccessTokenError::Invalid`], or [`AccessTokenError::WrongType`] for a refresh token.
pub fn verify_signature(vestibule: &Vestibule, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
    let claims = vestibule.keyring.keys().verify(token)?;
    let audience_is_ours =
        vestibule.config.clients.get(&claims.client_id).is_some_and(|client| client.audience == claims.aud);
    if claims.iss != vestibule.config.tokens.issuer || !audience_is_ours {
        return Err(AccessTokenError::Invalid);
    }
    Ok(claims)
}

/// A refresh token that could be used now.
#[derive(Debug)]
pub struct LiveRefreshToken {
    /// The claims of the token.
    pub claims: RefreshClaims,
    /// The session of the token.
    pub session: Session,
    /// The user of the session.
    pub user: User,
}

/// An error of the inspection of a refresh token.
#[derive(Debug, thiserror::Error)]
pub enum InspectRefreshTokenError {
    /// The token is not a refresh token of this server, or it has expired.
    #[error(transparent)]
    Token(#[from] RefreshTokenError),
    /// The session has ended, the user was deleted or is disabled, or the token was superseded longer ago than the grace.
    #[error("session {0} has ended, or its refresh token was superseded")]
    SessionEnded(SessionId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Checks whether a refresh token could be used, without using it. It is live if it is its session's current token, or if it
/// was superseded within the grace. The device is not checked. A token that was superseded longer ago does not end its
/// session here.
///
/// # Errors
/// [`InspectRefreshTokenError`] if the token is not live, or if the database fails.
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
    match decide(&session, is_active, claims.generation, DeviceMatch::Matches, now, vestibule.rotation_policy()) {
        Decision::Rotate | Decision::Keep | Decision::Repeat => Ok(LiveRefreshToken { claims, session, user }),
        Decision::RefuseEnded | Decision::RefuseOutdated | Decision::RefuseReused | Decision::RefuseDevice => {
            Err(ended())
        }
    }
}

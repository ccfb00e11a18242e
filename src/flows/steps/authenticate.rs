//! Verification of tokens. An access token is verified with the settings, keys and revocations in memory alone. A refresh token
//! is also checked against the rows of its session and its user.

use std::sync::Arc;

use crate::{
    config::Blacklist,
    domain::{
        AccessClaims, SessionId, UnixTime, User,
        access_token::AccessTokenError,
        refresh_token::{RefreshClaims, RefreshTokenError},
        rotation::{Decision, DeviceMatch, Presented, decide},
        session::Session,
    },
    flows::Vestibule,
    store::{self, sessions, users},
};

/// Verifies a bearer token and returns its claims. The token must be an access token that this server issued to one of its
/// clients, not one for the access cookie of a whole domain, and must be neither expired nor revoked.
///
/// # Errors
/// [`AccessTokenError::WrongType`] for a refresh token. [`AccessTokenError::Invalid`] if this server did not issue the token to
/// a configured client, or before the token's `nbf`. [`AccessTokenError::Expired`] or [`AccessTokenError::Revoked`]; a token
/// that has expired and was revoked is reported as expired.
pub fn authenticate(vestibule: &Vestibule, token: &str, now: UnixTime) -> Result<Arc<AccessClaims>, AccessTokenError> {
    let claims = verify_signature(vestibule, token)?;
    claims.check_bearer()?;
    check_validity(vestibule, &claims, now)?;
    Ok(claims)
}

/// Checks that an access token with these verified claims is valid at `now`: that it has not expired, that neither this
/// server nor the application's own rule has revoked it, and that its client still permits what it contains. With
/// `BLACKLIST_REFRESH` the access token stays valid when its session is revoked.
///
/// # Errors
/// [`AccessTokenError::Expired`], [`AccessTokenError::Revoked`], or [`AccessTokenError::Invalid`] before the `nbf` of the
/// token.
pub fn check_validity(vestibule: &Vestibule, claims: &AccessClaims, now: UnixTime) -> Result<(), AccessTokenError> {
    claims.check_time(now, vestibule.config.tokens.leeway.seconds())?;
    if vestibule.early_expiries.covers(claims) {
        return Err(AccessTokenError::Expired);
    }
    let check_sessions = vestibule.config.sessions.blacklist == Blacklist::Both;
    let own_rule = || vestibule.revocation_rule.get().is_some_and(|rule| rule(claims));
    if vestibule.revocations.is_revoked(claims, check_sessions) || !client_permits(vestibule, claims) || own_rule() {
        Err(AccessTokenError::Revoked)
    } else {
        Ok(())
    }
}

/// Returns whether the client of a token permits every permission in it. A client that was narrowed after the issue does not.
fn client_permits(vestibule: &Vestibule, claims: &AccessClaims) -> bool {
    let client = vestibule.clients.get(&claims.client_id);
    client.is_some_and(|client| claims.permissions.iter().all(|permission| client.permits(permission)))
}

/// Verifies that this server issued the access token, and returns its claims. Expiry and revocation are not checked, because a
/// token that has expired can still be used to revoke its session.
///
/// # Errors
/// [`AccessTokenError::WrongType`] for a refresh token. [`AccessTokenError::Invalid`] if the signature or the issuer is wrong,
/// or if the token's client is not configured or does not have the audience.
pub fn verify_signature(vestibule: &Vestibule, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
    let claims = vestibule.keyring.keys().verify(token)?;
    let audience_is_ours =
        vestibule.clients.get(&claims.client_id).is_some_and(|client| client.audience.contains(&claims.aud));
    if claims.iss != *vestibule.config.tokens.issuer || !audience_is_ours {
        return Err(AccessTokenError::Invalid);
    }
    Ok(claims)
}

/// A refresh token that a refresh would accept, with its session and its user.
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
    /// The session has ended, its user was deleted or is disabled, or its client is not configured any longer. Or the token was
    /// superseded longer ago than the grace, or was issued before the last password change.
    #[error("session {0} has ended, or its refresh token was superseded")]
    SessionEnded(SessionId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Checks whether a refresh would accept the token at `now`, and changes nothing. The token is live if it is the current token
/// of its session, or if it was superseded within the grace. The device is not checked. A token that was superseded longer ago
/// is refused, but its session is not revoked here.
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
    let is_active = user.disabled_at.is_none() && vestibule.clients.get(&claims.client_id).is_some();
    let presented = Presented { generation: claims.generation, binding: DeviceMatch::Matches, with_device: true };
    match decide(&session, is_active, presented, now, vestibule.rotation_policy()) {
        Decision::Rotate | Decision::Keep | Decision::Repeat => Ok(LiveRefreshToken { claims, session, user }),
        Decision::RefuseEnded
        | Decision::RefuseOutdated
        | Decision::RefuseReused
        | Decision::RefuseWithoutDevice
        | Decision::RefuseDevice => Err(ended()),
    }
}

//! Authenticate: from the text of an access token to claims that hold now. Reads memory only.

use std::sync::Arc;

use super::Vestibule;
use crate::{
    config::Blacklist,
    domain::{AccessClaims, UnixTime, access_token::AccessTokenError},
};

/// The claims of a token that this server made for one of its clients, whose time is not over and which nothing revoked.
///
/// # Errors
/// [`AccessTokenError`]. One that expired and was revoked is expired.
pub fn authenticate(vestibule: &Vestibule, token: &str, now: UnixTime) -> Result<Arc<AccessClaims>, AccessTokenError> {
    let claims = recognise(vestibule, token)?;
    still_holds(vestibule, &claims, now)?;
    Ok(claims)
}

/// Whether claims that were checked hold at `now`: their time is not over and nothing revoked them.
///
/// # Errors
/// [`AccessTokenError::Expired`], [`AccessTokenError::Revoked`].
pub fn still_holds(vestibule: &Vestibule, claims: &AccessClaims, now: UnixTime) -> Result<(), AccessTokenError> {
    claims.check_time(now, vestibule.config.tokens.leeway.seconds())?;
    let sessions_count = vestibule.config.sessions.blacklist == Blacklist::Both;
    let own_rule = || vestibule.own_rule.get().is_some_and(|rule| rule(claims));
    if vestibule.revocations.covers(claims, sessions_count) || own_rule() {
        Err(AccessTokenError::Revoked)
    } else {
        Ok(())
    }
}

/// The claims of a token that this server made, over or revoked though it may be: enough to end its session.
///
/// # Errors
/// [`AccessTokenError::Invalid`], [`AccessTokenError::WrongType`].
pub fn recognise(vestibule: &Vestibule, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
    let claims = vestibule.keyring.keys().verify(token)?;
    let audience_is_ours =
        vestibule.config.clients.get(&claims.client_id).is_some_and(|client| client.audience == claims.aud);
    if claims.iss != vestibule.config.tokens.issuer || !audience_is_ours {
        return Err(AccessTokenError::Invalid);
    }
    Ok(claims)
}

impl Vestibule {
    /// The claims of an access token that holds now, as the guards see them. Asks no database.
    ///
    /// # Errors
    /// [`AccessTokenError`].
    pub fn authenticate(&self, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
        authenticate(self, token, self.clock.now())
    }
}

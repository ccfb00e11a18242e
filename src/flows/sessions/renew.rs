//! Renew: with the setting `renew_within`, a valid access token that expires soon is followed by another access token of its
//! session.
//!
//! This is not a refresh. Nothing rotates, the session does not last longer, and a session that is bound to its device gets
//! no token, because no fingerprint is presented. The new token has the same scope as the old token, and it is never fresh.

use crate::{
    domain::{AccessClaims, UnixTime, session::SessionState},
    flows::{
        Vestibule,
        steps::{
            bearer::{Bearer, bearer_is_live},
            grants::access_expiry,
        },
    },
    store::{self, sessions, users},
};

/// An access token that follows on another.
#[derive(Debug)]
pub struct Renewed {
    /// The access token.
    pub access_token: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// Seconds until the session's refresh token expires, for the access cookie.
    pub refresh_expires_in: i64,
}

/// Returns whether a valid token expires soon enough to be renewed. Reads only the settings.
pub fn is_due(vestibule: &Vestibule, claims: &AccessClaims, now: UnixTime) -> bool {
    let within = vestibule.config.tokens.renew_within.seconds();
    within > 0 && claims.exp.since(now) <= within
}

/// Issues the access token that follows on the token of `bearer`. Returns `None` in these cases:
///
/// - The session has ended or is bound to its device, or its client is not configured any longer.
/// - The user is disabled, or their authorization version has changed.
/// - The new token would not expire later than the old token.
/// - The new token would have another scope than the old token.
///
/// If the session's row already covers a token for more than `within` seconds from now, the new token expires no later than
/// the row records. So a client that does not take its new token does not cause a write with each request.
///
/// # Errors
/// [`store::Error`] if the database fails. The bearer's present token stays valid.
pub async fn renew(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    within: i64,
    now: UnixTime,
) -> store::Result<Option<Renewed>> {
    let mut reader = vestibule.store.read().await?;
    let Some(session) = sessions::find(&mut reader, bearer.sid).await? else { return Ok(None) };
    let Some(user) = users::find(&mut reader, bearer.sub).await? else { return Ok(None) };
    drop(reader);
    let Some(client) = vestibule.config.clients.get(&session.client_id) else { return Ok(None) };
    let user_stands = user.disabled_at.is_none() && user.authorization_version == bearer.av;
    if session.state(now) != SessionState::Live || session.is_bound() || !user_stands {
        return Ok(None);
    }
    let latest = access_expiry(&session, client, now);
    let recorded = session.access_expires_at;
    let is_long_enough = recorded.since(now) > within;
    let exp = if is_long_enough { latest.min(recorded) } else { latest };
    if exp <= bearer.exp {
        return Ok(None);
    }
    let claims = vestibule.access_claims(&user, &session, client, false, now, exp);
    // A token with a narrowed scope is not renewed with a wider scope. New permissions take effect with a refresh.
    if claims.scope != bearer.scope || claims.client_id != bearer.client_id {
        return Ok(None);
    }
    if exp > recorded {
        let (id, bearer) = (session.id, Bearer::of(bearer));
        let is_recorded = vestibule
            .store
            .write(async move |tx| {
                Ok(bearer_is_live(tx, bearer, now).await? && sessions::record_access_expiry(tx, id, exp).await?)
            })
            .await?;
        if !is_recorded {
            return Ok(None);
        }
    }
    let access_token = vestibule.keyring.keys().sign(&claims);
    // As a cookie, the outdated token would replace a valid token.
    if vestibule.revocations.invalidated_since(session.id, user.id, user.authorization_version) {
        return Ok(None);
    }
    let refresh_expires_in = session.refresh_expires_at.since(now);
    Ok(Some(Renewed { access_token, expires_in: exp.since(now), refresh_expires_in }))
}

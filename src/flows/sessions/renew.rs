//! Renew: issues a new access token of a session before the bearer's access token expires. If the setting `renew_within` is not
//! 0, the response to a request with an access token that expires soon contains such a token.
//!
//! This is not a refresh: the refresh token is not rotated, and the session does not last longer. A session that is bound to
//! its device gets no token, because the request presents no fingerprint. The new token has the same scope and audience as the
//! old token, and it is never fresh.

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

/// A new access token for the bearer of an earlier access token.
#[derive(Debug)]
pub struct Renewed {
    /// The access token.
    pub access_token: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// Seconds until the session's refresh token expires, for the access cookie.
    pub refresh_expires_in: i64,
}

/// Returns whether a valid token expires within the setting `renew_within`. Returns `false` if the setting is 0. Reads only the
/// settings.
pub fn is_due(vestibule: &Vestibule, claims: &AccessClaims, now: UnixTime) -> bool {
    let within = vestibule.config.tokens.renew_within.seconds();
    within > 0 && claims.exp.since(now) <= within
}

/// Issues a new access token for the session of `bearer`. Returns `None` in these cases:
///
/// - The session does not exist, has ended or is bound to its device, or its client is not configured any longer.
/// - The user was deleted or is disabled, or their authorization version has changed.
/// - The new token would not expire later than the old token.
/// - The new token would have another scope or client than the old token.
///
/// The session's row records the latest `exp` of its access tokens. If this time is more than `within` seconds away, the new
/// token expires at this time at the latest, and nothing is written. So a client that ignores its new token does not cause a
/// write with each request.
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
    let Some(client) = vestibule.clients.get(&session.client_id) else { return Ok(None) };
    let user_stands = user.disabled_at.is_none() && user.authorization_version == bearer.av;
    if session.state(now) != SessionState::Live || session.is_bound() || !user_stands {
        return Ok(None);
    }
    let latest = access_expiry(&session, &client, now);
    let recorded = session.access_expires_at;
    let is_long_enough = recorded.since(now) > within;
    let exp = if is_long_enough { latest.min(recorded) } else { latest };
    if exp <= bearer.exp {
        return Ok(None);
    }
    let claims = vestibule.access_claims(&user, &session, &client, false, now, exp);
    let claims = AccessClaims { aud: bearer.aud.clone(), ..claims };
    // A token with a narrowed scope is not followed by a token with a wider scope. New permissions take effect with a refresh.
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
    // The session or the authorization version may have been revoked after the rows were read. As a cookie, the outdated token
    // would then replace a valid token.
    if vestibule.revocations.invalidated_since(session.id, user.id, user.authorization_version) {
        return Ok(None);
    }
    let refresh_expires_in = session.refresh_expires_at.since(now);
    Ok(Some(Renewed { access_token, expires_in: exp.since(now), refresh_expires_in }))
}

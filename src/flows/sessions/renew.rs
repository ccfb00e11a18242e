//! Renew: a valid access token that is near its end is followed by another in the same session, where `renew_within` says so.
//!
//! It is no refresh: nothing rotates, the session lasts no longer, and a session that is bound to its device gets nothing
//! without its fingerprint. The new token says what the old one said, and is never fresh.

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

/// A token that follows on another.
#[derive(Debug)]
pub struct Renewed {
    /// The token.
    pub access_token: String,
    /// Seconds until it is over.
    pub expires_in: i64,
    /// Seconds until the session's refresh token is over, for the access cookie.
    pub refresh_expires_in: i64,
}

/// Whether a token that holds is near enough to its end. Reads no more than the setting.
pub fn is_due(vestibule: &Vestibule, claims: &AccessClaims, now: UnixTime) -> bool {
    let within = vestibule.config.tokens.renew_within.seconds();
    within > 0 && claims.exp.since(now) <= within
}

/// The token that follows on that of `bearer`, unless its session is over or bound, its user's authorization another one, or
/// the session's refresh token no further from its end. One that is recorded to end in more than `within` seconds is not
/// outlived: a client that does not take its new token costs no write for each request.
///
/// # Errors
/// [`store::Error`]; then the bearer has the token that they had.
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
    // One that was narrowed stays narrow, and what was granted meanwhile comes with a refresh.
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
    // As a cookie it would take the place of a living one.
    if vestibule.revocations.overtook(session.id, user.id, user.authorization_version) {
        return Ok(None);
    }
    let refresh_expires_in = session.refresh_expires_at.since(now);
    Ok(Some(Renewed { access_token, expires_in: exp.since(now), refresh_expires_in }))
}

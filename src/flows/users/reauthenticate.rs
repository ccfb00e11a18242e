//! Reauthenticate: a signed-in user proves their password again and gets a fresh access token of the same session.

use crate::{
    domain::{
        AccessClaims, SessionId,
        audit_event::{AuditEvent, Event, RequestContext},
        password::Password,
    },
    flows::{
        Vestibule,
        steps::{
            bearer::{Bearer, bearer_is_live, is_current_password},
            grants::access_expiry,
            verify_password,
        },
    },
    store::{self, audit, sessions, users},
};

/// An error of a reauthentication.
#[derive(Debug, thiserror::Error)]
pub enum ReauthenticateError {
    /// The password was not proved.
    #[error(transparent)]
    Proof(#[from] verify_password::VerifyPasswordError),
    /// The session has ended or its client is not configured any more, the user was deleted or is disabled, or the
    /// authorization version or the password has changed.
    #[error("session {0} has ended")]
    SessionEnded(SessionId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A fresh access token.
#[derive(Debug)]
pub struct FreshAccessToken {
    /// The access token.
    pub access_token: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// Seconds until the session's refresh token expires, for the access cookie.
    pub refresh_expires_in: i64,
}

/// Verifies the password of the bearer. Stores in the session `now` as `auth_time` and the expiry of the new access token.
/// Returns a fresh access token of the session.
pub async fn reauthenticate(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    password: &Password,
    context: &RequestContext,
) -> Result<FreshAccessToken, ReauthenticateError> {
    let matched_hash = verify_password::verify_password(vestibule, bearer, password, context).await?;
    let ended = ReauthenticateError::SessionEnded(bearer.sid);
    let Some(client) = vestibule.clients.get(&bearer.client_id) else { return Err(ended) };
    let (id, user_id, now, owned_client) = (bearer.sid, bearer.sub, context.now, client.clone());
    let audience = bearer.aud.clone();
    let bearer = Bearer::of(bearer);
    let event = AuditEvent::new(Event::Reauthenticated, context).user(user_id).session(id);
    let updated = vestibule
        .store
        .write(async move |tx| {
            if !(bearer_is_live(tx, bearer, now).await? && is_current_password(tx, user_id, &matched_hash).await?) {
                return Ok(None);
            }
            let Some(mut session) = sessions::find(tx, id).await? else { return Ok(None) };
            let Some(user) = users::find(tx, user_id).await? else { return Ok(None) };
            session.access_expires_at = access_expiry(&session, &owned_client, now);
            session.auth_time = now;
            sessions::record_proof(tx, id, now, session.access_expires_at).await?;
            audit::insert(tx, &event).await?;
            Ok(Some((session, user)))
        })
        .await?;
    let (session, user) = updated.ok_or(ended)?;
    let tokens = vestibule.tokens(None, &audience, &user, &session, &client, true, now);
    Ok(FreshAccessToken {
        access_token: tokens.access_token,
        expires_in: tokens.expires_in,
        refresh_expires_in: tokens.refresh_expires_in,
    })
}

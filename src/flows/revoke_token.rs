//! Revoke token (RFC 7009): a client gives a token back. A refresh token ends its session, an access token itself alone.

use super::{MARGIN, Vestibule, authenticate, client::KnownClient};
use crate::{
    domain::{
        AccessClaims,
        audit_event::{AuditEvent, Event, Origin},
        change::Change,
        refresh_token::{RefreshClaims, RefreshTokenError},
        session::RevokeReason,
    },
    store::{self, audit, sessions},
};

/// Why a token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeTokenError {
    /// Only the client that a token was given to gives it back.
    #[error("the token is another client's")]
    ForeignClient,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Puts a token out of force. One that is none of ours, or is over, is out of force already (RFC 7009 §2.2).
///
/// # Errors
/// [`RevokeTokenError`].
pub async fn revoke_token(
    vestibule: &Vestibule,
    token: &str,
    client: KnownClient<'_>,
    origin: &Origin,
) -> Result<(), RevokeTokenError> {
    put_out_of_force(vestibule, token, Some(client), origin).await
}

impl Vestibule {
    /// Puts a token out of force: a refresh token with its session, an access token by itself. It is durable, and in force for the
    /// next request, when this returns. One that is none of ours, or is over, is out of force already.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn invalidate(&self, token: &str) -> store::Result<()> {
        match put_out_of_force(self, token, None, &Origin::command_line(self.clock.now())).await {
            Err(RevokeTokenError::Store(error)) => Err(error),
            // Nobody asked as a client.
            Ok(()) | Err(RevokeTokenError::ForeignClient) => Ok(()),
        }
    }
}

/// `client`: who alone may.
async fn put_out_of_force(
    vestibule: &Vestibule,
    token: &str,
    client: Option<KnownClient<'_>>,
    origin: &Origin,
) -> Result<(), RevokeTokenError> {
    let check = |owner: &str| match client.is_none_or(|client| client.settings().id == owner) {
        true => Ok(()),
        false => Err(RevokeTokenError::ForeignClient),
    };
    match vestibule.refresh_tokens.verify_signature(token) {
        Ok(claims) => {
            check(&claims.client_id)?;
            Ok(end_session(vestibule, &claims, origin).await?)
        }
        Err(RefreshTokenError::WrongType) => {
            let Ok(claims) = authenticate::recognise(vestibule, token) else { return Ok(()) };
            check(&claims.client_id)?;
            // What no longer holds is not written down: the same token again and again is no load.
            if authenticate::still_holds(vestibule, &claims, origin.now).is_err() {
                return Ok(());
            }
            Ok(revoke_access(vestibule, &claims, origin).await?)
        }
        Err(RefreshTokenError::Invalid | RefreshTokenError::Expired) => Ok(()),
    }
}

/// One that expired or was rotated away ends its session too: whoever wants to leave may.
async fn end_session(vestibule: &Vestibule, claims: &RefreshClaims, origin: &Origin) -> store::Result<()> {
    let (session, user) = (claims.sid, claims.sub);
    let (remember, origin) = (vestibule.remember(), origin.clone());
    vestibule
        .store
        .write(async move |tx| {
            let one = sessions::Selection::One(session);
            Vestibule::revoke(tx, remember, user, one, RevokeReason::RevokedByClient, &origin).await
        })
        .await?;
    Ok(())
}

async fn revoke_access(vestibule: &Vestibule, claims: &AccessClaims, origin: &Origin) -> store::Result<()> {
    let (jti, now) = (claims.jti, origin.now);
    let until = claims.exp.plus(vestibule.config.tokens.leeway.seconds() + MARGIN);
    let event = AuditEvent::new(Event::TokenRevoked, origin).user(claims.sub).session(claims.sid);
    let event = event.detail("jti", jti.to_string());
    vestibule
        .store
        .write(async move |tx| {
            audit::insert(tx, &event).await?;
            tx.announce(Change::TokenRevoked(jti), now, until).await
        })
        .await
}

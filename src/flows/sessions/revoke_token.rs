//! Revoke token (RFC 7009): a client gives a token back. A refresh token ends its session, an access token itself alone.

use crate::{
    domain::{
        AccessClaims,
        audit_event::{AuditEvent, Event, RequestContext},
        change::Change,
        refresh_token::{RefreshClaims, RefreshTokenError},
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{authenticate, client::KnownClient, revocation::Revocation},
        vestibule::CLOCK_STEP_MARGIN,
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

/// Revokes a token for the client that it was given to. A token that is invalid, expired or revoked already is no error
/// (RFC 7009 §2.2).
///
/// # Errors
/// [`RevokeTokenError`].
pub async fn revoke_token(
    vestibule: &Vestibule,
    token: &str,
    client: KnownClient<'_>,
    context: &RequestContext,
) -> Result<(), RevokeTokenError> {
    revoke(vestibule, token, Some(client), context).await
}

/// Revokes a token. `client` is the only client that may; with `None` every token is revoked.
///
/// # Errors
/// [`RevokeTokenError`].
pub(in crate::flows) async fn revoke(
    vestibule: &Vestibule,
    token: &str,
    client: Option<KnownClient<'_>>,
    context: &RequestContext,
) -> Result<(), RevokeTokenError> {
    let check = |owner: &str| match client.is_none_or(|client| client.settings().id == owner) {
        true => Ok(()),
        false => Err(RevokeTokenError::ForeignClient),
    };
    match vestibule.refresh_tokens.verify_signature(token) {
        Ok(claims) => {
            check(&claims.client_id)?;
            Ok(end_session(vestibule, &claims, context).await?)
        }
        Err(RefreshTokenError::WrongType) => {
            let Ok(claims) = authenticate::verify_signature(vestibule, token) else { return Ok(()) };
            check(&claims.client_id)?;
            // What no longer holds is not written down: the same token again and again is no load.
            if authenticate::check_validity(vestibule, &claims, context.now).is_err() {
                return Ok(());
            }
            Ok(revoke_access(vestibule, &claims, context).await?)
        }
        Err(RefreshTokenError::Invalid | RefreshTokenError::Expired) => Ok(()),
    }
}

/// Ends the session of a refresh token. A token that expired or was rotated away ends it too: nobody is kept from signing out.
async fn end_session(vestibule: &Vestibule, claims: &RefreshClaims, context: &RequestContext) -> store::Result<()> {
    let (session, user) = (claims.sid, claims.sub);
    let one = sessions::Selection::One(session);
    let revocation = Revocation::new(vestibule, user, one, RevokeReason::RevokedByClient, context);
    vestibule.store.write(async move |tx| revocation.carry_out(tx).await).await?;
    Ok(())
}

async fn revoke_access(vestibule: &Vestibule, claims: &AccessClaims, context: &RequestContext) -> store::Result<()> {
    let (jti, now) = (claims.jti, context.now);
    let until = claims.exp.plus(vestibule.config.tokens.leeway.seconds() + CLOCK_STEP_MARGIN);
    let event = AuditEvent::new(Event::TokenRevoked, context).user(claims.sub).session(claims.sid);
    let event = event.detail("jti", jti.to_string());
    vestibule
        .store
        .write(async move |tx| {
            audit::insert(tx, &event).await?;
            tx.announce(Change::TokenRevoked(jti), now, until).await
        })
        .await
}

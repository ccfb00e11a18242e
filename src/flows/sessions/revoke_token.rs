//! Revoke token (RFC 7009): a client revokes a token. For a refresh token, its session is revoked. For an access token, only
//! this token is revoked.

use crate::{
    domain::{
        AccessClaims,
        audit_event::{AuditEvent, Event, RequestContext},
        change::Change,
        refresh_token::{RefreshClaims, RefreshTokenError},
        session::{MAX_REVOKED_TOKENS, RevokeReason},
    },
    flows::{
        Vestibule,
        steps::{authenticate, client::KnownClient, revocation::Revocation},
        vestibule::CLOCK_STEP_MARGIN,
    },
    store::{self, audit, session_counters, sessions},
};

/// An error of the revocation of a token.
#[derive(Debug, thiserror::Error)]
pub enum RevokeTokenError {
    /// The token was issued to another client. Only the client to which a token was issued can revoke it.
    #[error("the token was issued to another client")]
    ForeignClient,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Revokes a token for the client to which it was issued. A token that is invalid, expired or already revoked is not an error
/// (RFC 7009 §2.2).
///
/// # Errors
/// [`RevokeTokenError`] if the token was issued to another client, or if the database fails.
pub async fn revoke_token(
    vestibule: &Vestibule,
    token: &str,
    client: KnownClient,
    context: &RequestContext,
) -> Result<(), RevokeTokenError> {
    revoke(vestibule, token, Some(client), context).await
}

/// Revokes a token. With a `client`, fails with [`RevokeTokenError::ForeignClient`] if the token was issued to another client.
/// Does nothing if the token is invalid, or if it is an access token that has expired or is revoked.
pub(in crate::flows) async fn revoke(
    vestibule: &Vestibule,
    token: &str,
    client: Option<KnownClient>,
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
            // The revocation of a token that is no longer valid is not written. So a client that repeats the request causes no
            // writes.
            if claims.check_bearer().and(authenticate::check_validity(vestibule, &claims, context.now)).is_err() {
                return Ok(());
            }
            Ok(revoke_access(vestibule, &claims, context).await?)
        }
        Err(RefreshTokenError::Invalid | RefreshTokenError::Expired) => Ok(()),
    }
}

/// Revokes the session of a refresh token. The token may be expired or superseded, because nothing may prevent a user from
/// signing out.
async fn end_session(vestibule: &Vestibule, claims: &RefreshClaims, context: &RequestContext) -> store::Result<()> {
    let (session, user) = (claims.sid, claims.sub);
    let one = sessions::Selection::One(session);
    let revocation = Revocation::new(vestibule, user, one, RevokeReason::RevokedByClient, context);
    vestibule.store.write(async move |tx| revocation.carry_out(tx).await).await?;
    Ok(())
}

/// Revokes an access token. The revocation is kept until a day after the token has expired.
///
/// A session can get access tokens as often as it asks, and each revoked token must be remembered. So only the first
/// [`MAX_REVOKED_TOKENS`] of a session are revoked alone. A later one is revoked together with the tokens of its session that
/// were issued before it or in the same second: the client of such a token refreshes.
async fn revoke_access(vestibule: &Vestibule, claims: &AccessClaims, context: &RequestContext) -> store::Result<()> {
    let (jti, session, issued, now) = (claims.jti, claims.sid, claims.iat, context.now);
    let until = claims.exp.plus(vestibule.config.tokens.leeway.seconds() + CLOCK_STEP_MARGIN);
    let event = AuditEvent::new(Event::TokenRevoked, context).user(claims.sub).session(claims.sid);
    let event = event.detail("jti", jti.to_string());
    vestibule
        .store
        .write(async move |tx| {
            let count = session_counters::count_revoked_token(tx, session).await?;
            if count.is_some_and(|count| count > MAX_REVOKED_TOKENS) {
                return tx.announce(Change::SessionTokensRevoked(session, issued), now, until).await;
            }
            audit::insert(tx, &event).await?;
            tx.announce(Change::TokenRevoked(jti), now, until).await
        })
        .await
}

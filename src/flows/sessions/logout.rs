//! Logout: revokes the session of a presented token. Every token that this server signed is accepted, even if it has expired or
//! was superseded, because nothing may prevent a user from signing out.

use crate::{
    domain::{
        SessionId, UserId, access_token::AccessTokenError, audit_event::RequestContext,
        refresh_token::RefreshTokenError, session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{authenticate, revocation::Revocation},
    },
    store::{self, sessions},
};

/// A token as a client presents it.
#[derive(Debug)]
pub enum PresentedToken<'r> {
    /// A refresh token.
    Refresh(&'r str),
    /// A bearer token.
    Access(&'r str),
    /// The token of an access cookie.
    AccessCookie(&'r str),
}

/// An error of a logout.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// The token is not a refresh token of this server.
    #[error(transparent)]
    Refresh(#[from] RefreshTokenError),
    /// The token is not an access token of this server.
    #[error(transparent)]
    Access(#[from] AccessTokenError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Returns the session and the user of a token. The token may be expired or revoked.
///
/// # Errors
/// [`LogoutError::Refresh`] or [`LogoutError::Access`] if the token is not a token of this server, or not of the presented
/// type.
pub fn session_of(vestibule: &Vestibule, presented: &PresentedToken<'_>) -> Result<(SessionId, UserId), LogoutError> {
    match presented {
        PresentedToken::Refresh(token) => {
            let claims = vestibule.refresh_tokens.verify_signature(token)?;
            Ok((claims.sid, claims.sub))
        }
        PresentedToken::Access(token) => {
            let claims = authenticate::verify_signature(vestibule, token)?;
            claims.check_bearer()?;
            Ok((claims.sid, claims.sub))
        }
        PresentedToken::AccessCookie(token) => {
            let claims = authenticate::verify_signature(vestibule, token)?;
            Ok((claims.sid, claims.sub))
        }
    }
}

/// Revokes the session of a token. Succeeds and changes nothing if the session is revoked already or does not exist.
pub async fn logout(
    vestibule: &Vestibule,
    presented: &PresentedToken<'_>,
    context: &RequestContext,
) -> Result<(), LogoutError> {
    let (session, user) = session_of(vestibule, presented)?;
    let one = sessions::Selection::One(session);
    let revocation = Revocation::new(vestibule, user, one, RevokeReason::Logout, context);
    vestibule.store.write(async move |tx| revocation.carry_out(tx).await).await?;
    Ok(())
}

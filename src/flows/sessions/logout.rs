//! Logout: end the session of whatever token is shown, as long as this server signed it. Over or rotated is good enough:
//! whoever wants to leave may.

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

/// What a client shows.
#[derive(Debug)]
pub enum PresentedToken<'r> {
    /// A refresh token.
    Refresh(&'r str),
    /// An access token.
    Access(&'r str),
}

/// Why nobody was logged out.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// Not ours.
    #[error(transparent)]
    Refresh(#[from] RefreshTokenError),
    /// Not ours.
    #[error(transparent)]
    Access(#[from] AccessTokenError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The session that a token belongs to, and its user.
///
/// # Errors
/// [`LogoutError::Refresh`], [`LogoutError::Access`].
pub fn session_of(vestibule: &Vestibule, presented: &PresentedToken<'_>) -> Result<(SessionId, UserId), LogoutError> {
    match presented {
        PresentedToken::Refresh(token) => {
            let claims = vestibule.refresh_tokens.verify_signature(token)?;
            Ok((claims.sid, claims.sub))
        }
        PresentedToken::Access(token) => {
            let claims = authenticate::verify_signature(vestibule, token)?;
            Ok((claims.sid, claims.sub))
        }
    }
}

/// Ends a session. Once more is the same.
///
/// # Errors
/// [`LogoutError`].
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

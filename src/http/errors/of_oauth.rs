//! The error code of each failure at the OAuth endpoints. RFC 6749 §5.2 has few codes, so every failure of a password or a
//! refresh token has the code `invalid_grant`. The `error_description` distinguishes the failures.

use super::{ApiError, ErrorCode};
use crate::flows::{
    sessions::{login::LoginError, refresh::RefreshError, revoke_token::RevokeTokenError},
    steps::client::ClientError,
};

/// Returns the error for a client that failed to authenticate. `by_basic` is whether the client used HTTP Basic; the response
/// then has a challenge for Basic.
pub fn of_client(error: &ClientError, by_basic: bool) -> ApiError {
    let detail = match error {
        ClientError::Unknown(_) => "There is no such client.",
        ClientError::Unauthenticated(_) => "The secret of this client is missing or wrong.",
        ClientError::Public(_) => "This client has no secret; leave it out.",
    };
    let error = ApiError::new(ErrorCode::InvalidClient, detail);
    if by_basic { error.challenging_basic() } else { error }
}

/// Returns the error for a password grant that failed.
pub fn of_login(error: LoginError) -> ApiError {
    match error {
        LoginError::InvalidCredentials | LoginError::Disabled | LoginError::DeviceLimit(..) | LoginError::OnlyAsked => {
            invalid_grant(error.into())
        }
        LoginError::Audience(_) => invalid_target(),
        LoginError::ClientRemoved
        | LoginError::Scope(_)
        | LoginError::TooMany(_)
        | LoginError::Hash(_)
        | LoginError::Store(_) => error.into(),
    }
}

/// Returns the error for a refresh token that was refused.
pub fn of_refresh(error: RefreshError) -> ApiError {
    match error {
        RefreshError::Token(_)
        | RefreshError::SessionEnded(_)
        | RefreshError::Outdated(_)
        | RefreshError::Reused(_)
        | RefreshError::WithoutDevice(_)
        | RefreshError::DeviceMismatch(..)
        | RefreshError::ForeignClient(_) => invalid_grant(error.into()),
        RefreshError::Client(error) => of_client(&error, false),
        RefreshError::Audience(_) => invalid_target(),
        RefreshError::Scope(_) | RefreshError::TooMany(_) | RefreshError::Store(_) => error.into(),
    }
}

impl From<RevokeTokenError> for ApiError {
    fn from(error: RevokeTokenError) -> Self {
        match error {
            // RFC 6749 §5.2 has this code for a token that "was issued to another client".
            RevokeTokenError::ForeignClient => {
                Self::new(ErrorCode::InvalidGrant, "The token was issued to another client.")
            }
            RevokeTokenError::Store(error) => error.into(),
        }
    }
}

/// Returns the error for a `resource` that is no audience of the client (RFC 8707 §2).
fn invalid_target() -> ApiError {
    ApiError::new(ErrorCode::InvalidTarget, "The resource is no audience of the client.")
}

/// Replaces the code by `invalid_grant` and keeps the text.
fn invalid_grant(error: ApiError) -> ApiError {
    ApiError { code: ErrorCode::InvalidGrant, ..error }
}

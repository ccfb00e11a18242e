//! The same at the OAuth endpoints, where RFC 6749 §5.2 has few words for much: whatever is wrong with a password or a refresh
//! token is `invalid_grant`, and the sentence beside it says what.

use super::{ApiError, ErrorCode};
use crate::flows::{
    sessions::{login::LoginError, refresh::RefreshError, revoke_token::RevokeTokenError},
    steps::client::ClientError,
};

/// Why a client is none. `by_basic` is how it tried.
pub fn of_client(error: &ClientError, by_basic: bool) -> ApiError {
    let detail = match error {
        ClientError::Unknown(_) => "There is no such client.",
        ClientError::Unproved(_) => "The secret of this client is missing or wrong.",
        ClientError::Public(_) => "This client has no secret; leave it out.",
    };
    let error = ApiError::new(ErrorCode::InvalidClient, detail);
    if by_basic { error.challenging_basic() } else { error }
}

/// Why a password got no tokens.
pub fn of_login(error: LoginError) -> ApiError {
    match error {
        LoginError::InvalidCredentials | LoginError::Disabled | LoginError::DeviceLimit(_) => {
            invalid_grant(error.into())
        }
        LoginError::Scope(_) | LoginError::TooMany(_) | LoginError::Hash(_) | LoginError::Store(_) => error.into(),
    }
}

/// Why a refresh token got no tokens.
pub fn of_refresh(error: RefreshError) -> ApiError {
    match error {
        RefreshError::Token(_)
        | RefreshError::SessionEnded(_)
        | RefreshError::Outdated(_)
        | RefreshError::Reused(_)
        | RefreshError::DeviceMismatch(_)
        | RefreshError::ForeignClient(_) => invalid_grant(error.into()),
        RefreshError::Client(error) => of_client(&error, false),
        RefreshError::Scope(_) | RefreshError::TooMany(_) | RefreshError::Store(_) => error.into(),
    }
}

impl From<RevokeTokenError> for ApiError {
    fn from(error: RevokeTokenError) -> Self {
        match error {
            // RFC 6749 §5.2 has this word for a token "issued to another client".
            RevokeTokenError::ForeignClient => {
                Self::new(ErrorCode::InvalidGrant, "The token was given to another client.")
            }
            RevokeTokenError::Store(error) => error.into(),
        }
    }
}

fn invalid_grant(error: ApiError) -> ApiError {
    ApiError { code: ErrorCode::InvalidGrant, ..error }
}

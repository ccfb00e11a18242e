//! The error code of each failure of a flow. Each error type has one exhaustive match, so a new variant does not compile until
//! it has an arm here.
//!
//! Many failures share one code. An internal cause is logged once, here, and never sent to the client.

use super::{ApiError, BUSY_RETRY_AFTER, ErrorCode, FieldError, reason::Reason};
use crate::{
    domain::{Permission, access_token::AccessTokenError, refresh_token::RefreshTokenError},
    flows::{
        sessions::{login::LoginError, logout::LogoutError, refresh::RefreshError, revoke_sessions::RevokeError},
        steps::{authenticate::InspectRefreshTokenError, client::ClientError, verify_password::VerifyPasswordError},
        users::{
            change_names::ChangeNamesError, change_password::ChangePasswordError, delete_user::DeleteUserError,
            export_user::ExportError, reauthenticate::ReauthenticateError, register::RegisterError,
        },
    },
    memory::hasher::HashError,
    store,
};

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Inconsistent { .. } | store::Error::Panicked(_) | store::Error::Undone => {
                Self::internal(&error)
            }
            store::Error::Open { .. }
            | store::Error::Migrate { .. }
            | store::Error::Database(_)
            | store::Error::Statement(_)
            | store::Error::Commit(_)
            | store::Error::Vanished(_)
            | store::Error::Closed => {
                tracing::error!(%error, "the database does not respond");
                Self::busy(
                    ErrorCode::StorageUnavailable,
                    "The database does not respond; nothing was changed. Try again.",
                    BUSY_RETRY_AFTER,
                )
            }
        }
    }
}

impl From<HashError> for ApiError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded => Self::busy(
                ErrorCode::Overloaded,
                "Too many people are signing in at once; nothing was changed. Try again.",
                BUSY_RETRY_AFTER,
            ),
            HashError::Failed(_) => Self::internal(&error),
        }
    }
}

impl From<AccessTokenError> for ApiError {
    fn from(error: AccessTokenError) -> Self {
        let code = match error {
            AccessTokenError::Invalid => ErrorCode::InvalidToken,
            AccessTokenError::Expired => ErrorCode::TokenExpired,
            AccessTokenError::Revoked => ErrorCode::TokenRevoked,
            AccessTokenError::WrongType => ErrorCode::WrongTokenType,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RefreshTokenError> for ApiError {
    fn from(error: RefreshTokenError) -> Self {
        match error {
            RefreshTokenError::Invalid => Self::new(ErrorCode::InvalidToken, "The refresh token is not valid."),
            RefreshTokenError::Expired => {
                Self::new(ErrorCode::TokenExpired, "The refresh token has expired; sign in again.")
            }
            RefreshTokenError::WrongType => {
                Self::new(ErrorCode::WrongTokenType, "An access token is not accepted here; send the refresh token.")
            }
        }
    }
}

impl From<InspectRefreshTokenError> for ApiError {
    fn from(error: InspectRefreshTokenError) -> Self {
        match error {
            InspectRefreshTokenError::Token(error) => error.into(),
            InspectRefreshTokenError::SessionEnded(_) => session_ended(),
            InspectRefreshTokenError::Store(error) => error.into(),
        }
    }
}

/// Returns the error for a session that has ended.
pub(super) fn session_ended() -> ApiError {
    ApiError::new(ErrorCode::TokenRevoked, "The session has ended; sign in again.")
}

/// Returns the error for an unknown user and for a wrong password. Both get one error, because two different errors would
/// reveal who has an account.
fn invalid_credentials() -> ApiError {
    ApiError::new(ErrorCode::InvalidCredentials, "The user name or the password is wrong.")
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => invalid_credentials(),
            LoginError::Disabled => Self::new(ErrorCode::AccountDisabled, "The account is disabled."),
            LoginError::DeviceLimit(limit, _) => Self::new(
                ErrorCode::DeviceLimitReached,
                format!("{limit} devices are signed in, which is the limit; sign out on one of them first."),
            ),
            LoginError::OnlyAsked => Self::field("fingerprint", "is required"),
            LoginError::ClientRemoved => Self::new(ErrorCode::InvalidClient, "There is no such client."),
            LoginError::Audience(_) => unknown_audience(),
            LoginError::Scope(permission) => Self::new(ErrorCode::InvalidScope, cannot_grant(&permission)),
            LoginError::TooMany(wait) => Self::too_many(wait),
            LoginError::Hash(error) => error.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::TooMany(wait) => Self::too_many(wait),
            ExportError::Store(error) => error.into(),
        }
    }
}

impl From<RefreshError> for ApiError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Token(error) => error.into(),
            RefreshError::SessionEnded(_) => session_ended(),
            RefreshError::Outdated(_) => Self::new(
                ErrorCode::TokenRevoked,
                "The refresh token is older than the password; send the token that the password change returned, or sign in \
                 again.",
            )
            .with_reason(Reason::PasswordChanged),
            RefreshError::Reused(_) => Self::new(
                ErrorCode::RefreshReused,
                "This refresh token was replaced earlier and has been used again; the session was ended for safety. Sign in again.",
            )
            .with_reason(Reason::Reused),
            RefreshError::WithoutDevice(_) => Self::new(
                ErrorCode::InvalidToken,
                "This refresh token was replaced a moment ago, on a device whose `device_id` this request does not send; send \
                 the newest refresh token, or the `device_id`.",
            )
            .with_reason(Reason::Device),
            RefreshError::DeviceMismatch(_, compared) => Self::new(
                ErrorCode::DeviceMismatch,
                "The session is bound to another device; send the fingerprint of the device on which it was opened.",
            )
            .with_reason(Reason::Device)
            .with_comparison(compared),
            RefreshError::ForeignClient(_) => {
                Self::new(ErrorCode::InvalidToken, "The refresh token was issued to another client.")
            }
            RefreshError::Client(error) => error.into(),
            RefreshError::Audience(_) => unknown_audience(),
            RefreshError::Scope(permission) => Self::new(ErrorCode::InvalidScope, cannot_grant(&permission)),
            RefreshError::TooMany(wait) => Self::too_many(wait),
            RefreshError::Store(error) => error.into(),
        }
    }
}

/// Returns the error for an audience that the client does not have.
fn unknown_audience() -> ApiError {
    ApiError::field("audience", "must be an audience of the client (`clients.<id>.audience`)")
}

/// Returns the message for a permission that the scope may not contain.
fn cannot_grant(permission: &Permission) -> String {
    format!("The scope contains {permission}, which can't be granted.")
}

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        let detail = match error {
            ClientError::Unknown(_) => "There is no such client.",
            ClientError::Unauthenticated(_) => {
                "This client is confidential: it must use the endpoint `token` and send its secret."
            }
            ClientError::Public(_) => "This client has no secret; leave it out.",
        };
        Self::new(ErrorCode::InvalidClient, detail)
    }
}

impl From<LogoutError> for ApiError {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::Refresh(error) => error.into(),
            LogoutError::Access(error) => error.into(),
            LogoutError::Store(error) => error.into(),
        }
    }
}

impl From<RevokeError> for ApiError {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::Token(error) => error.into(),
            RevokeError::NotOwn => Self::new(ErrorCode::InvalidToken, "The refresh token is not one of yours."),
            RevokeError::Unknown => Self::new(ErrorCode::NotFound, "You have no such session."),
            RevokeError::SessionEnded(_) => session_ended(),
            RevokeError::Store(error) => error.into(),
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Closed => Self::new(
                ErrorCode::RegistrationClosed,
                "Registration is closed; only the operator of this server creates accounts.",
            ),
            RegisterError::Unsuitable(message) => Self::field("password", message),
            RegisterError::Taken(taken) => taken_name(taken),
            RegisterError::TooMany(wait) => Self::too_many(wait),
            RegisterError::Hash(error) => error.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}

/// Returns the error for a username or an email address that another user has. It names the field.
fn taken_name(taken: store::users::TakenName) -> ApiError {
    let field = taken.field();
    ApiError {
        fields: vec![FieldError { field: field.to_owned(), message: "is taken".to_owned() }],
        ..ApiError::new(ErrorCode::AlreadyExists, format!("The {field} is taken."))
    }
}

impl From<VerifyPasswordError> for ApiError {
    fn from(error: VerifyPasswordError) -> Self {
        match error {
            VerifyPasswordError::SessionEnded(_) => session_ended(),
            VerifyPasswordError::Wrong(_) => Self::new(ErrorCode::InvalidCredentials, "The password is wrong."),
            VerifyPasswordError::TooMany(wait) => Self::too_many(wait),
            VerifyPasswordError::Hash(error) => error.into(),
            VerifyPasswordError::Store(error) => error.into(),
        }
    }
}

impl From<ReauthenticateError> for ApiError {
    fn from(error: ReauthenticateError) -> Self {
        match error {
            ReauthenticateError::Proof(error) => error.into(),
            ReauthenticateError::SessionEnded(_) => session_ended(),
            ReauthenticateError::Store(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for ApiError {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Proof(error) => error.into(),
            ChangePasswordError::Unsuitable(message) => Self::field("new_password", message),
            ChangePasswordError::SessionEnded(_) => session_ended(),
            ChangePasswordError::Hash(error) => error.into(),
            ChangePasswordError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeNamesError> for ApiError {
    fn from(error: ChangeNamesError) -> Self {
        match error {
            ChangeNamesError::Missing(field, message) => Self::field(field, message),
            ChangeNamesError::Taken(taken) => taken_name(taken),
            ChangeNamesError::TooMany(wait) => Self::too_many(wait),
            ChangeNamesError::SessionEnded(_) => session_ended(),
            ChangeNamesError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteUserError> for ApiError {
    fn from(error: DeleteUserError) -> Self {
        match error {
            DeleteUserError::Proof(error) => error.into(),
            DeleteUserError::LastAdmin(_) => {
                Self::new(ErrorCode::LastAdmin, "This is the last admin; give the role admin to another user first.")
            }
            DeleteUserError::SessionEnded(_) => session_ended(),
            DeleteUserError::Target(error) => error.into(),
            DeleteUserError::Store(error) => error.into(),
        }
    }
}

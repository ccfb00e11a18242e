//! The error code of each failure of a flow of the administration.

use super::{ApiError, ErrorCode, of_flows::session_ended};
use crate::{
    domain::{
        permission::{ADMIN_ROLE, VOUCH},
        power::PowerError,
    },
    flows::{
        keys::{retire_key::RetireError, rotate_keys::RotateError},
        links::{create_link::CreateLinkError, set_up::SetUpError},
        roles::{remove_role::RemoveRoleError, set_role::SetRoleError},
        sessions::revoke_sessions::RevokeOfUserError,
        steps::{
            acting::{ActingError, TargetError},
            client_registry::StoredClientError,
            link::LinkError,
        },
        users::{add_user::AddUserError, change_user::ChangeUserError, remove_device::RemoveDeviceError},
    },
    store::users::TakenName,
};

impl From<ActingError> for ApiError {
    fn from(error: ActingError) -> Self {
        match error {
            ActingError::Ended(_) => session_ended(),
            ActingError::Power(error) => error.into(),
        }
    }
}

impl From<TargetError> for ApiError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Unknown(_) => no_such_user(),
            TargetError::Acting(error) => error.into(),
        }
    }
}

impl From<PowerError> for ApiError {
    fn from(error: PowerError) -> Self {
        let text = sentence(&error);
        match error {
            PowerError::Vouch => Self::insufficient_scope(VOUCH).with_detail(text),
            PowerError::Permission(permission) => Self::insufficient_scope(permission.as_str()).with_detail(text),
            PowerError::GivenByAdmins(_) | PowerError::Role(_) | PowerError::WholeClient | PowerError::HoldsMore => {
                Self::insufficient(&text)
            }
        }
    }
}

impl From<AddUserError> for ApiError {
    fn from(error: AddUserError) -> Self {
        match error {
            AddUserError::Acting(error) => error.into(),
            AddUserError::Taken(taken) => taken_name(taken),
            AddUserError::UnknownRole(role, _) => unknown_role(&role),
            AddUserError::UnsuitablePassword(message) => Self::field("password", message),
            AddUserError::Claims(message) => Self::field("claims", message),
            AddUserError::Hash(error) => error.into(),
            AddUserError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeUserError> for ApiError {
    fn from(error: ChangeUserError) -> Self {
        match error {
            ChangeUserError::Target(error) => error.into(),
            ChangeUserError::MissingName(field, message) => Self::field(field, message),
            ChangeUserError::NoEmail => Self::field("email_verified", "can't be true without an email address"),
            ChangeUserError::Taken(taken) => taken_name(taken),
            ChangeUserError::UnknownRole(role, _) => unknown_role(&role),
            ChangeUserError::LastAdmin => last_admin(),
            ChangeUserError::Claims(message) => Self::field("claims", message),
            ChangeUserError::UnsuitablePassword(message) => Self::field("password", message),
            ChangeUserError::Hash(error) => error.into(),
            ChangeUserError::Store(error) => error.into(),
        }
    }
}

impl From<RevokeOfUserError> for ApiError {
    fn from(error: RevokeOfUserError) -> Self {
        match error {
            RevokeOfUserError::Target(error) => error.into(),
            RevokeOfUserError::Store(error) => error.into(),
        }
    }
}

impl From<RemoveDeviceError> for ApiError {
    fn from(error: RemoveDeviceError) -> Self {
        match error {
            RemoveDeviceError::Target(error) => error.into(),
            RemoveDeviceError::UnknownDevice(_) => no_such_device(),
            RemoveDeviceError::Store(error) => error.into(),
        }
    }
}

impl From<CreateLinkError> for ApiError {
    fn from(error: CreateLinkError) -> Self {
        match error {
            CreateLinkError::Target(error) => error.into(),
            CreateLinkError::Disabled => Self::field("purpose", "is not possible while the user is disabled"),
            CreateLinkError::HasPassword => Self::field("purpose", "must be reset, because the user has a password"),
            CreateLinkError::Store(error) => error.into(),
        }
    }
}

impl From<StoredClientError> for ApiError {
    fn from(error: StoredClientError) -> Self {
        let text = sentence(&error);
        match error {
            StoredClientError::Unknown(_) => no_such_client(),
            StoredClientError::Exists(_) => Self::new(ErrorCode::AlreadyExists, text),
            StoredClientError::Configured(_) => Self::new(ErrorCode::ConfiguredInFile, text),
            StoredClientError::Public(_) => Self::field("id", "is the id of a public client, which has no secret"),
            StoredClientError::Acting(error) => error.into(),
            StoredClientError::Store(error) => error.into(),
        }
    }
}

impl From<LinkError> for ApiError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Void => Self::new(ErrorCode::NotFound, "This link does not work any longer."),
            LinkError::Unsuitable(message) => Self::field("password", message),
            LinkError::TooMany(wait) => Self::too_many(wait),
            LinkError::Hash(error) => error.into(),
            LinkError::Store(error) => error.into(),
        }
    }
}

impl From<SetUpError> for ApiError {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Link(error) => error.into(),
            SetUpError::Taken(taken) => taken_name(taken),
        }
    }
}

impl From<SetRoleError> for ApiError {
    fn from(error: SetRoleError) -> Self {
        match error {
            SetRoleError::Admin => Self::field("permissions", format!("can't be set: {}", error)),
            SetRoleError::Acting(error) => error.into(),
            SetRoleError::Name(_) => Self::field("name", "can't be . or .."),
            SetRoleError::Exists(_) => Self::new(ErrorCode::AlreadyExists, sentence(&error)),
            SetRoleError::Unknown(..) => no_such_role(),
            SetRoleError::TokenTooLong { .. } => Self::field("permissions", error.to_string()),
            SetRoleError::Store(error) => error.into(),
        }
    }
}

impl From<RemoveRoleError> for ApiError {
    fn from(error: RemoveRoleError) -> Self {
        match error {
            RemoveRoleError::Admin => Self::new(
                ErrorCode::LastAdmin,
                format!("The role {ADMIN_ROLE} can't be removed: nobody could administer the server without it."),
            ),
            RemoveRoleError::Acting(error) => error.into(),
            RemoveRoleError::Unknown(..) => no_such_role(),
            RemoveRoleError::Store(error) => error.into(),
        }
    }
}

impl From<RotateError> for ApiError {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::SecretKey => Self::new(ErrorCode::ConfiguredInFile, sentence(&error)),
            RotateError::SecretChanged => Self::busy(ErrorCode::StorageUnavailable, &sentence(&error), 2),
            // A generated key has a new `kid`.
            RotateError::Known(_) => Self::internal(&error),
            RotateError::Acting(error) => error.into(),
            RotateError::Store(error) => error.into(),
        }
    }
}

impl From<RetireError> for ApiError {
    fn from(error: RetireError) -> Self {
        match error {
            RetireError::Unknown(_) => Self::new(ErrorCode::NotFound, "There is no such key."),
            RetireError::Current(_) => {
                Self::field("kid", "is the key that signs; rotate the keys with \"now\": true, then retire it")
            }
            RetireError::Acting(error) => error.into(),
            RetireError::Store(error) => error.into(),
        }
    }
}

/// Returns the text of an error as a sentence.
fn sentence(error: &impl ToString) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}

/// Returns the error for a role that does not exist. The names of all roles, which the command line prints, require
/// `roles:read`.
fn unknown_role(role: &str) -> ApiError {
    ApiError::field("roles", format!("contains {role:?}, and there is no such role"))
}

/// Returns the error for a name that belongs to another user.
fn taken_name(taken: TakenName) -> ApiError {
    ApiError::new(ErrorCode::AlreadyExists, format!("The {} is taken by another user.", taken.field()))
}

/// Returns the error for a user that does not exist.
pub(in crate::http) fn no_such_user() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "There is no such user.")
}

/// Returns the error for a device that the user does not have.
pub(in crate::http) fn no_such_device() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "The user has no such device.")
}

/// Returns the error for a client that does not exist.
pub(in crate::http) fn no_such_client() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "There is no such client.")
}

/// Returns the error for a role that does not exist.
pub(in crate::http) fn no_such_role() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "There is no such role.")
}

/// Returns the error for a change after which nobody could administer the server.
fn last_admin() -> ApiError {
    ApiError::new(ErrorCode::LastAdmin, "This is the last admin; give the role admin to another user first.")
}

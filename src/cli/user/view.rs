//! A user as a program sees it: the same JSON as over HTTP.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::{Permission, UnixTime, User, UserId};

/// The same fields in the same order as `GET /users/me`.
#[derive(Serialize)]
pub(super) struct UserView<'a> {
    id: UserId,
    username: Option<&'a str>,
    email: Option<&'a str>,
    email_verified: bool,
    disabled: bool,
    roles: &'a [String],
    permissions: &'a [Permission],
    claims: &'a Map<String, Value>,
    created_at: UnixTime,
}

impl<'a> From<&'a User> for UserView<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id,
            username: user.username.as_deref(),
            email: user.email.as_deref(),
            email_verified: user.email_verified_at.is_some(),
            disabled: user.disabled_at.is_some(),
            roles: &user.roles,
            permissions: &user.permissions,
            claims: &user.claims,
            created_at: user.created_at,
        }
    }
}

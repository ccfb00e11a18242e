//! The guard with data about the user.

use std::ops::Deref;

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{AccessToken, grant, required};
use crate::{
    domain::UserId,
    http::errors::{ApiError, guard_outcome},
};

/// A request guard like [`AccessToken`], with methods that return data about the user. The data is read from the token, so a
/// new username or email address appears only in the next token.
///
/// ```
/// # use rocket::get;
/// use vestibule::CurrentUser;
///
/// #[get("/greeting")]
/// fn greeting(user: CurrentUser) -> String {
///     format!("Hello {}", user.username().unwrap_or("you"))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentUser(AccessToken);

impl CurrentUser {
    /// Returns the user's id.
    pub fn id(&self) -> UserId {
        self.subject()
    }

    /// Returns the username; `None` if the user has no username, or if the setting `token_claims` does not list `username`.
    pub fn username(&self) -> Option<&str> {
        self.claims().username.as_deref()
    }

    /// Returns the email address; `None` if the user has no email address, or if the setting `token_claims` does not list
    /// `email`.
    pub fn email(&self) -> Option<&str> {
        self.claims().email.as_deref()
    }
}

impl Deref for CurrentUser {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for CurrentUser {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        guard_outcome(request, required(request).and_then(|token| grant(request, token)).map(Self))
    }
}

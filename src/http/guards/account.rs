//! The guard of the server's own account endpoints: they accept only access tokens for the server itself (RFC 9068 §4).
//!
//! A client may send its access tokens to services that the user trusts less than this server. Such a service must not be able
//! to act on the account with them.

use std::ops::Deref;

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{AccessToken, FreshToken, fresh, grant, required_for_account};
use crate::http::errors::{ApiError, guard_outcome};

/// A request guard like `G`, for endpoints that act on the account. A token whose `aud` is not the setting `audience` is
/// refused with 401 `invalid_token`.
#[derive(Clone, Debug)]
pub(in crate::http) struct OnAccount<G>(G);

impl<G> Deref for OnAccount<G> {
    type Target = G;

    fn deref(&self) -> &G {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for OnAccount<AccessToken> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let token = required_for_account(request).and_then(|token| grant(request, token));
        guard_outcome(request, token.map(Self))
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for OnAccount<FreshToken> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        guard_outcome(request, required_for_account(request).and_then(|token| fresh(request, token)).map(Self))
    }
}

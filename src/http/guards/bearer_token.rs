//! The access token of the header `Authorization` only, for endpoints that read no cookies.

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{AccessToken, of_header};
use crate::http::{
    app_state::app_state,
    errors::{ApiError, guard_outcome},
};

/// A request guard for requests whose header `Authorization` contains a valid access token or no bearer token. A request with
/// an invalid token is refused. If the setting `token_location` does not contain `headers`, the header counts as absent.
#[derive(Clone, Debug)]
pub struct BearerToken(Option<AccessToken>);

impl BearerToken {
    /// Returns the token; `None` if the header has no bearer token.
    pub fn token(&self) -> Option<&AccessToken> {
        self.0.as_ref()
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for BearerToken {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        guard_outcome(request, read(request).map(Self))
    }
}

/// Returns the verified access token of the header; `None` if the header has no bearer token. The token is not granted, so the
/// response does not renew it: whether its bearer may call the endpoint is decided later.
fn read(request: &Request<'_>) -> Result<Option<AccessToken>, ApiError> {
    let vestibule = app_state(request)?;
    of_header(request, vestibule)
}

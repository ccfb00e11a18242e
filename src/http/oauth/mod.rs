//! The OAuth 2.0 endpoints: form-encoded, without cookies, with the errors of RFC 6749 §5.2 as `application/json`. What an
//! application that speaks OAuth calls in place of the session endpoints.

pub mod client;
pub mod introspect;
pub mod metadata;
pub mod revoke;
pub mod token;

use rocket::{
    Request,
    http::Header,
    response::{self, Responder},
    serde::json::Json,
};
use serde::Serialize;

use crate::http::app_state::AppState;

/// Where the token endpoint is beside the one under `base_path`.
pub const TOKEN_PATH: &str = "/token";

/// Whether a request is for one of them, so that even what no handler sees is refused in their way.
pub fn is_endpoint(request: &Request<'_>) -> bool {
    let path = request.uri().path().as_str();
    let base = request.rocket().state::<AppState>().map_or("", |vestibule| vestibule.config.web.base_path.as_str());
    path == TOKEN_PATH || matches!(path.strip_prefix(base), Some("/token" | "/revoke" | "/introspect"))
}

/// An answer that no cache keeps, not even one of HTTP/1.0 (RFC 6749 §5.1). That it is `no-store` every answer says.
pub struct Uncached<T>(pub T);

impl<'r, T: Serialize> Responder<'r, 'static> for Uncached<T> {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Json(self.0).respond_to(request)?;
        response.set_header(Header::new("Pragma", "no-cache"));
        Ok(response)
    }
}

//! The OAuth 2.0 endpoints. OAuth clients call them instead of the session endpoints. Request bodies are form-encoded, and
//! cookies are not read. Errors have the form of RFC 6749 §5.2, as `application/json`.

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

/// The second path of the token endpoint, at the root instead of below `base_path`.
pub const TOKEN_PATH: &str = "/token";

/// Returns whether the path of a request is the path of an OAuth endpoint. The errors of such a path have the form of OAuth,
/// even if no handler rendered them.
pub fn is_endpoint(request: &Request<'_>) -> bool {
    let path = request.uri().path().as_str();
    let base = request.rocket().state::<AppState>().map_or("", |vestibule| vestibule.config.web.base_path.as_str());
    path == TOKEN_PATH || matches!(path.strip_prefix(base), Some("/token" | "/revoke" | "/introspect"))
}

/// A JSON response that no cache may keep, not even a cache of HTTP/1.0 (RFC 6749 §5.1). This type sets `Pragma: no-cache`. The
/// fairing `headers` sets `Cache-Control: no-store`.
pub struct Uncached<T>(pub T);

impl<'r, T: Serialize> Responder<'r, 'static> for Uncached<T> {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Json(self.0).respond_to(request)?;
        response.set_header(Header::new("Pragma", "no-cache"));
        Ok(response)
    }
}

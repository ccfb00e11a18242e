//! The request id: the client's header `X-Request-Id` if its value is well-formed, otherwise a new id.

use rocket::Request;

use crate::{clock::Clock, domain::TokenId, http::app_state::AppState, random};

/// The id of one request.
#[derive(Clone, Debug)]
pub struct RequestId(String);

/// The maximum length of an id that a client sends, in bytes.
const MAX_LEN: usize = 128;

impl RequestId {
    /// Returns the id of this request. The id is cached in the request, so every call returns the same id.
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| {
            let received = request.headers().get_one("X-Request-Id").filter(|id| is_well_formed(id));
            Self(received.map_or_else(|| fresh(request), str::to_owned))
        })
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether an id has 1 to 128 bytes and contains only characters that are harmless in a log line and in a header.
fn is_well_formed(id: &str) -> bool {
    (1..=MAX_LEN).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(&byte))
}

/// Returns a new id: a UUIDv7.
fn fresh(request: &Request<'_>) -> String {
    let clock = request.rocket().state::<AppState>().map_or_else(Clock::system, |vestibule| vestibule.clock.clone());
    TokenId::new(clock.now(), random::bytes()).to_string()
}

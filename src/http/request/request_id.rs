//! The request id: the client's header `X-Request-Id` if its value is well-formed, otherwise a new id.

use rocket::Request;

use crate::{clock::Clock, domain::TokenId, http::app_state::AppState, random};

/// The id of one request.
#[derive(Clone, Debug)]
pub struct RequestId {
    /// The id in the response.
    shown: String,
    /// The id in the log.
    logged: String,
}

/// The maximum length of an id that a client sends, in bytes.
const MAX_LEN: usize = 128;

impl RequestId {
    /// Returns the id of this request. The id is cached in the request, so every call returns the same id.
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| {
            let received = request.headers().get_one("X-Request-Id").filter(|id| is_well_formed(id));
            let own = fresh(request);
            let logged = received.filter(|id| holds_no_secret(id)).unwrap_or(&own).to_owned();
            Self { shown: received.map_or(own, str::to_owned), logged }
        })
    }

    /// Returns the id for the response.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Returns the id for the log. An id that the client sent is logged only if it is a UUID or has 32 hexadecimal digits,
    /// because a client may send a password or a token in this header by mistake. Otherwise the log has an id of the server.
    pub fn logged(&self) -> &str {
        &self.logged
    }
}

/// Returns whether an id has 1 to 128 bytes and contains only characters that are harmless in a log line and in a header.
fn is_well_formed(id: &str) -> bool {
    (1..=MAX_LEN).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(&byte))
}

/// Returns whether an id has a form that no token, no secret of a device and hardly a password has: a UUID, or 32 hexadecimal
/// digits, as proxies and traces have them.
fn holds_no_secret(id: &str) -> bool {
    let is_of = |digits: &[usize]| {
        let parts = id.split('-').map(str::len);
        parts.eq(digits.iter().copied()) && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    is_of(&[32]) || is_of(&[8, 4, 4, 4, 12])
}

/// Returns a new id: a UUIDv7.
fn fresh(request: &Request<'_>) -> String {
    let clock = request.rocket().state::<AppState>().map_or_else(Clock::system, |vestibule| vestibule.clock.clone());
    TokenId::new(clock.now(), random::bytes()).to_string()
}

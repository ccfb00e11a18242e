//! The origins (RFC 6454 §4) whose pages may call the server. An origin is the value of the header `Origin`.

use crate::{config::CorsOrigins, flows::Vestibule};

/// Returns whether `cors_allowed_origins` contains an origin.
pub fn is_allowed(vestibule: &Vestibule, origin: &str) -> bool {
    match &vestibule.config.web.cors {
        CorsOrigins::None => false,
        CorsOrigins::AnyLocalhost => is_localhost(origin),
        CorsOrigins::List(origins) => origins.iter().any(|allowed| allowed == origin),
    }
}

/// Returns whether an origin is the origin of `public_url`, or `cors_allowed_origins` contains it.
pub fn is_own_or_allowed(vestibule: &Vestibule, origin: &str) -> bool {
    vestibule.config.web.public_url.origin() == origin || is_allowed(vestibule, origin)
}

/// Returns whether the host of an origin is `localhost`, `127.0.0.1` or `[::1]`, by http or https and with any port.
fn is_localhost(origin: &str) -> bool {
    let host_and_port = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host_and_port.is_some_and(|rest| {
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
            rest.strip_prefix(host).is_some_and(|port| {
                port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
            })
        })
    })
}

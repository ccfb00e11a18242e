//! The origins (RFC 6454 §4) whose pages may call the server. An origin is the value of the header `Origin`.

use crate::flows::Vestibule;

/// Returns whether `cors_allowed_origins` contains an origin.
pub fn is_allowed(vestibule: &Vestibule, origin: &str) -> bool {
    vestibule.config.web.cors.allows(origin)
}

/// Returns whether an origin is the origin of `public_url`, or `cors_allowed_origins` contains it.
pub fn is_own_or_allowed(vestibule: &Vestibule, origin: &str) -> bool {
    vestibule.config.web.public_url.origin() == origin || is_allowed(vestibule, origin)
}

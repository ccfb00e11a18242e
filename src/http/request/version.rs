//! Whether a request came by HTTP/1.0. Browsers and today's HTTP libraries do not speak it. But nginx speaks it to the servers
//! behind it, unless it is told otherwise.

use rocket::Request;

/// The mark in the cache of a request that came by HTTP/1.0.
#[derive(Clone, Copy)]
struct IsHttp10(bool);

/// Marks a request that came by HTTP/1.0, before it is routed.
pub fn mark_http_1_0(request: &Request<'_>) {
    request.local_cache(|| IsHttp10(true));
}

/// Returns whether a request came by HTTP/1.0.
pub fn is_http_1_0(request: &Request<'_>) -> bool {
    request.local_cache(|| IsHttp10(false)).0
}

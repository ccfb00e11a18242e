//! What the head of a request tells beside its readable headers. Only the gate of the workbench asks for it.

use rocket::Request;

/// The facts about the head of a request, in the cache of the request.
#[derive(Clone, Copy, Default)]
pub struct Arrival {
    /// Whether the request came by HTTP/1.0. Browsers and today's HTTP libraries do not speak it. But nginx before 1.29.7
    /// speaks it to the servers behind it, unless it is told otherwise.
    pub is_http_1_0: bool,
    /// Whether the value of a header is not UTF-8. Handlers do not see such a header.
    pub has_hidden_header: bool,
}

impl Arrival {
    /// Records the facts, before the request is routed.
    pub fn record(self, request: &Request<'_>) {
        request.local_cache(|| self);
    }

    /// Returns the facts. None is true if they were not recorded.
    pub fn of(request: &Request<'_>) -> Self {
        *request.local_cache(Self::default)
    }
}

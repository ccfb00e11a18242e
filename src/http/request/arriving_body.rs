//! The body of a request that `http::server` has not read yet. A guard reads it after the checks that come before the body,
//! so a request that is refused by its head is not kept waiting for its body.

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Bytes;
use rocket::Request;

/// The bytes of a body, as they arrive.
pub type Arriving = UnsyncBoxBody<Bytes, hyper::Error>;

/// The body of one request, until it is taken. Its clones share the body.
#[derive(Clone)]
pub struct LeftBody(Arc<Mutex<Option<Arriving>>>);

impl LeftBody {
    /// Leaves a body with its request, before the request is routed.
    pub fn leave(request: &Request<'_>, body: Arriving) -> Self {
        let left = Self(Arc::new(Mutex::new(Some(body))));
        request.local_cache(|| Some(left.clone()));
        left
    }

    /// Takes the body. `None` if it was taken already.
    pub fn take(&self) -> Option<Arriving> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Takes the body of a request. `None` if the body was taken already, or if Rocket's own server received the request: Rocket
/// passes the body to the data guard.
pub fn take(request: &Request<'_>) -> Option<Arriving> {
    let left: &Option<LeftBody> = request.local_cache(|| None);
    left.as_ref().and_then(LeftBody::take)
}

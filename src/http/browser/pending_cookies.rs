//! The cookies that an answer will set, kept beside the request until the answer is written.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rocket::{Request, http::Cookie};

type PendingCookies = Mutex<Vec<Cookie<'static>>>;

/// Returns the cookies that the answer to `request` will set so far.
pub(super) fn of<'r>(request: &'r Request<'_>) -> MutexGuard<'r, Vec<Cookie<'static>>> {
    let pending: &PendingCookies = request.local_cache(PendingCookies::default);
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds a cookie. A cookie of the same name that was added before is dropped.
pub(super) fn put(request: &Request<'_>, cookie: Cookie<'static>) {
    let mut pending = of(request);
    pending.retain(|known| known.name() != cookie.name());
    pending.push(cookie);
}

/// Drops all of them, because the handler that added them failed.
pub fn forget(request: &Request<'_>) {
    of(request).clear();
}

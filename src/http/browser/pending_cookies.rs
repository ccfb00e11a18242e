//! The cookies that the response to a request will set. They are kept in the cache of the request until the fairing
//! `set_cookies` writes them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rocket::{Request, http::Cookie};

type PendingCookies = Mutex<Vec<Cookie<'static>>>;

/// Returns the cookies that were added so far for the response to `request`.
pub(super) fn of<'r>(request: &'r Request<'_>) -> MutexGuard<'r, Vec<Cookie<'static>>> {
    let pending: &PendingCookies = request.local_cache(PendingCookies::default);
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds a cookie for the response. It replaces a cookie of the same name that was added before.
pub(super) fn put(request: &Request<'_>, cookie: Cookie<'static>) {
    let mut pending = of(request);
    pending.retain(|known| known.name() != cookie.name());
    pending.push(cookie);
}

/// Drops the added cookies. It is for a request that has failed after cookies were added.
pub fn forget(request: &Request<'_>) {
    of(request).clear();
}

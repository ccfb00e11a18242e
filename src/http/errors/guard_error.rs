//! The errors of guards. Rocket passes only the status of an error to the catcher. So the error itself is kept in the cache of
//! the request.

use std::sync::{Mutex, PoisonError};

use rocket::{Request, http::Status, request::Outcome};

use super::ApiError;

/// Returns the outcome of a request guard. An error is also kept for the catcher.
pub(in crate::http) fn guard_outcome<T>(request: &Request<'_>, result: Result<T, ApiError>) -> Outcome<T, ApiError> {
    match result {
        Ok(guard) => Outcome::Success(guard),
        Err(error) => {
            let status = error.status();
            keep(request, error.clone());
            Outcome::Error((status, error))
        }
    }
}

/// The last error of a guard of the request.
type KeptError = Mutex<Option<ApiError>>;

/// Keeps an error for the catcher. It replaces an error that was kept before.
fn keep(request: &Request<'_>, error: ApiError) {
    let stash: &KeptError = request.local_cache(KeptError::default);
    *stash.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
}

/// Returns the outcome of a data guard that failed with `error`. The error is also kept for the catcher.
pub(in crate::http) fn fail_data_guard<'r, T>(request: &'r Request<'_>, error: ApiError) -> rocket::data::Outcome<'r, T>
where
    T: rocket::data::FromData<'r, Error = ApiError>,
{
    let status: Status = error.status();
    keep(request, error.clone());
    rocket::data::Outcome::Error((status, error))
}

/// Returns the error that a guard has kept, and removes it from the request. `None` if there is no such error.
pub(in crate::http) fn kept_error(request: &Request<'_>) -> Option<ApiError> {
    let stash: &KeptError = request.local_cache(KeptError::default);
    stash.lock().unwrap_or_else(PoisonError::into_inner).take()
}

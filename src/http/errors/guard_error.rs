//! Errors of guards: Rocket tells a catcher nothing but the status, so the error itself is kept beside the request.

use std::sync::{Mutex, PoisonError};

use rocket::{Request, http::Status, request::Outcome};

use super::ApiError;

/// What a guard gives for what it found.
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

type KeptError = Mutex<Option<ApiError>>;

/// Keeps an error for the catcher, which Rocket tells nothing but the status.
fn keep(request: &Request<'_>, error: ApiError) {
    let stash: &KeptError = request.local_cache(KeptError::default);
    *stash.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
}

/// Fails a data guard with an error.
pub(in crate::http) fn fail_data_guard<'r, T>(request: &'r Request<'_>, error: ApiError) -> rocket::data::Outcome<'r, T>
where
    T: rocket::data::FromData<'r, Error = ApiError>,
{
    let status: Status = error.status();
    keep(request, error.clone());
    rocket::data::Outcome::Error((status, error))
}

/// The error that a guard kept.
pub(in crate::http) fn kept_error(request: &Request<'_>) -> Option<ApiError> {
    let stash: &KeptError = request.local_cache(KeptError::default);
    stash.lock().unwrap_or_else(PoisonError::into_inner).take()
}

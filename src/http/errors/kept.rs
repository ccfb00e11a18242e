//! Errors of guards: Rocket tells a catcher nothing but the status, so the error itself is kept beside the request.

use std::sync::{Mutex, PoisonError};

use rocket::{Request, http::Status, request::Outcome};

use super::ApiError;

/// What a guard gives for what it found.
pub(in crate::http) fn outcome<T>(request: &Request<'_>, result: Result<T, ApiError>) -> Outcome<T, ApiError> {
    match result {
        Ok(guard) => Outcome::Success(guard),
        Err(error) => {
            let status = error.status();
            keep(request, error.clone());
            Outcome::Error((status, error))
        }
    }
}

type Stash = Mutex<Option<ApiError>>;

/// Keeps an error for the catcher, which Rocket tells nothing but the status.
fn keep(request: &Request<'_>, error: ApiError) {
    let stash: &Stash = request.local_cache(Stash::default);
    *stash.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
}

/// Fails a data guard with an error.
pub(in crate::http) fn stash<'r, T>(request: &'r Request<'_>, error: ApiError) -> rocket::data::Outcome<'r, T>
where
    T: rocket::data::FromData<'r, Error = ApiError>,
{
    let status: Status = error.status();
    keep(request, error.clone());
    rocket::data::Outcome::Error((status, error))
}

/// The error that a guard kept.
pub(in crate::http) fn stashed(request: &Request<'_>) -> Option<ApiError> {
    let stash: &Stash = request.local_cache(Stash::default);
    stash.lock().unwrap_or_else(PoisonError::into_inner).take()
}

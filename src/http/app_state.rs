//! The server behind the handlers, as Rocket keeps it.

use std::sync::Arc;

use rocket::Request;

use super::errors::{ApiError, ErrorCode};
use crate::flows::Vestibule;

/// The server behind the handlers.
pub type AppState = Arc<Vestibule>;

/// The server behind a request.
///
/// # Errors
/// [`ErrorCode::InternalError`] in an application that we are no part of.
pub(in crate::http) fn app_state<'r>(request: &'r Request<'_>) -> Result<&'r AppState, ApiError> {
    let missing = || ApiError::new(ErrorCode::InternalError, "Vestibule is not part of this Rocket application.");
    request.rocket().state::<AppState>().ok_or_else(missing)
}

//! The opened server, which all handlers share as Rocket's managed state.

use std::sync::Arc;

use rocket::Request;

use super::errors::{ApiError, ErrorCode};
use crate::flows::Vestibule;

/// The opened server, which all handlers share.
pub type AppState = Arc<Vestibule>;

/// Returns the server of the application that handles `request`.
///
/// # Errors
/// [`ErrorCode::InternalError`] if [`Embed`](super::Embed) is not attached to the application.
pub(in crate::http) fn app_state<'r>(request: &'r Request<'_>) -> Result<&'r AppState, ApiError> {
    let missing = || ApiError::new(ErrorCode::InternalError, "Vestibule is not part of this Rocket application.");
    request.rocket().state::<AppState>().ok_or_else(missing)
}

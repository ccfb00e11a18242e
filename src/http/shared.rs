//! The server behind the handlers, as Rocket keeps it.

use std::sync::Arc;

use rocket::Request;

use super::errors::{ApiError, Code};
use crate::flows::Vestibule;

/// The server behind the handlers.
pub type Shared = Arc<Vestibule>;

/// The server behind a request.
///
/// # Errors
/// [`Code::InternalError`] in an application that we are no part of.
pub(in crate::http) fn shared<'r>(request: &'r Request<'_>) -> Result<&'r Shared, ApiError> {
    let missing = || ApiError::new(Code::InternalError, "Vestibule is not part of this Rocket application.");
    request.rocket().state::<Shared>().ok_or_else(missing)
}

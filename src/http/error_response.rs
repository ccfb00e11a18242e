//! The rendering of errors: as a page, as an error of OAuth, or as the common error body. Also the catcher for the errors that
//! no handler rendered.

use std::{
    io::Cursor,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::{Header, Status},
    response::{self, Responder},
};

use super::{
    app_state::app_state,
    browser::pending_cookies,
    errors::{ApiError, BUSY_RETRY_AFTER, ErrorCode, Reason, kept_error},
    oauth, pages,
    request::{log_entry::LogEntry, refusal::Refusal, request_id::RequestId},
};
use crate::store::sessions;

impl<'r> Responder<'r, 'static> for ApiError {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        LogEntry::of(request).set_error(self.code().as_str());
        if pages::wants_page(request) {
            return pages::error_page(&self, request);
        }
        if self.lacks_reason() {
            *RefusedToken::slot(request) = Some(self.clone());
        }
        let is_of_oauth = oauth::is_endpoint(request);
        let error = if is_of_oauth { self.with_oauth_code() } else { self };
        let subtype = if is_of_oauth { "json" } else { "problem+json" };
        Ok(error.render(RequestId::of(request).as_str(), subtype))
    }
}

/// The error of a refused token whose reason is not known yet. It is a type of its own, because the cache of a request has one
/// value for each type.
#[derive(Default)]
struct RefusedToken(Mutex<Option<ApiError>>);

impl RefusedToken {
    fn slot<'r>(request: &'r Request<'_>) -> MutexGuard<'r, Option<ApiError>> {
        let refused: &Self = request.local_cache(Self::default);
        refused.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fairing that adds the reason to the error of a token that has expired or was revoked. The guards do not read the database,
/// and only the row of the session contains the reason.
pub struct Reasons;

#[rocket::async_trait]
impl Fairing for Reasons {
    fn info(&self) -> Info {
        Info { name: "reasons of refused tokens", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let refused = RefusedToken::slot(request).take();
        let Some(error) = refused.filter(|error| error.status() == response.status()) else { return };
        let (Ok(vestibule), Some(session)) = (app_state(request), LogEntry::of(request).session()) else { return };
        // Without the database the client learns the error, and no reason.
        let Ok(mut reader) = vestibule.store.read().await else { return };
        let Ok(row) = sessions::find(&mut reader, session).await else { return };
        let has_expired = error.code() == ErrorCode::TokenExpired;
        let reason = Reason::of_session(row.as_ref(), vestibule.clock.now(), has_expired);
        let error = error.with_reason(reason);
        let error = if oauth::is_endpoint(request) { error.with_oauth_code() } else { error };
        let body = error.body(RequestId::of(request).as_str());
        response.set_sized_body(body.len(), Cursor::new(body));
    }
}

/// Renders the errors that no handler rendered: a guard refused the request, the body was refused, the path is unknown, or a
/// handler panicked. If a guard of a page has kept a redirect, the response is this redirect.
#[rocket::catch(default)]
pub fn catch(status: Status, request: &Request<'_>) -> Result<pages::SeeOther, ApiError> {
    // The request has failed, so cookies that were added before must not be set.
    pending_cookies::forget(request);
    pages::redirect_of(request).ok_or_else(|| caught(status, request))
}

/// Returns the refusal of the request, or the error that a guard kept; if there is neither, an error for the status.
fn caught(status: Status, request: &Request<'_>) -> ApiError {
    if let Some(refusal) = Refusal::of(request) {
        let (code, text) = refusal.error();
        return match code {
            ErrorCode::Overloaded => ApiError::busy(code, text, BUSY_RETRY_AFTER),
            _ => ApiError::new(code, text),
        };
    }
    kept_error(request).unwrap_or_else(|| match status.code {
        404 => ApiError::new(ErrorCode::NotFound, "Nothing is at this path."),
        413 => ApiError::new(ErrorCode::PayloadTooLarge, "The body is larger than 64 KiB."),
        415 => ApiError::new(ErrorCode::UnsupportedMediaType, "This path accepts no body of that type."),
        503 => {
            ApiError::busy(ErrorCode::StorageUnavailable, "The database does not answer; try again.", BUSY_RETRY_AFTER)
        }
        400..=499 => ApiError::new(ErrorCode::MalformedRequest, "The request can't be read."),
        _ => ApiError::new(ErrorCode::InternalError, "Something went wrong on the server; nothing was changed."),
    })
}

/// A fairing that sets `WWW-Authenticate` if a guard of Vestibule refused the request and the application's own catcher
/// rendered the response. Every 401 must have this header (RFC 9110 §15.5.2).
pub struct Challenges;

#[rocket::async_trait]
impl Fairing for Challenges {
    fn info(&self) -> Info {
        Info { name: "challenges of guards", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        // If the status differs, the response does not report the error of the guard.
        let refused = kept_error(request).filter(|error| error.status() == response.status());
        if let Some(challenge) = refused.and_then(|error| error.challenge()) {
            response.set_header(Header::new("WWW-Authenticate", challenge));
        }
    }
}

//! What the access log says about a request, besides its route and its status.

use std::{
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use crate::{
    domain::{SessionId, UserId},
    flows::Vestibule,
};

/// The entry of a request in the access log. It is in the cache of the request.
#[derive(Default)]
pub struct LogEntry(Mutex<Fields>);

#[derive(Clone, Copy, Default)]
struct Fields {
    error: Option<&'static str>,
    user: Option<UserId>,
    session: Option<SessionId>,
    /// The generation of the refresh token.
    generation: Option<i64>,
}

impl LogEntry {
    /// Returns the entry of this request.
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    fn fields(&self) -> MutexGuard<'_, Fields> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the error code of the response.
    pub fn set_error(&self, code: &'static str) {
        self.fields().error = Some(code);
    }

    /// Records the user of the response.
    pub fn set_user(&self, user: UserId) {
        self.fields().user = Some(user);
    }

    /// Records user and session of a token that this server signed, also if the token is refused.
    pub fn set_token(&self, user: UserId, session: SessionId) {
        let mut fields = self.fields();
        (fields.user, fields.session) = (Some(user), Some(session));
    }

    /// Forgets user and session, because the token does not count.
    pub fn forget_token(&self) {
        let mut fields = self.fields();
        (fields.user, fields.session) = (None, None);
    }

    /// Records user and session of a refresh token, if this server signed it.
    pub fn set_refresh_token(&self, vestibule: &Vestibule, token: &str) {
        if let Ok(claims) = vestibule.refresh_tokens.verify_signature(token) {
            self.set_token(claims.sub, claims.sid);
            self.fields().generation = Some(claims.generation);
        }
    }

    /// Returns the generation of the refresh token; `None` if the request has no refresh token that this server signed.
    pub fn generation(&self) -> Option<i64> {
        self.fields().generation
    }

    /// Returns the session of the token; `None` if the request has no token that this server signed.
    pub fn session(&self) -> Option<SessionId> {
        self.fields().session
    }

    /// Returns the error code; `-` if the response is not an error.
    pub fn error(&self) -> &'static str {
        self.fields().error.unwrap_or("-")
    }

    /// Returns the id of the user; `-` if it is unknown.
    pub fn user(&self) -> String {
        self.fields().user.map_or_else(|| "-".to_owned(), |user| user.to_string())
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for &'r LogEntry {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(LogEntry::of(request))
    }
}

//! `/dev/sessions`: the live sessions, each of which can be ended in a way that a front end must cope with.

use std::convert::Infallible;

use rocket::{
    Request, State, get, post,
    request::{FromRequest, Outcome},
    response::status::NoContent,
    serde::json::Json,
    tokio,
};
use serde_json::{Value, json};

use crate::{
    domain::{SessionId, User},
    flows::{
        sessions::end_early::{EndEarlyError, Ending, end_early},
        steps::authenticate::verify_signature,
    },
    http::{
        app_state::{AppState, app_state},
        browser::cookies::Cookies,
        errors::{ApiError, ErrorCode},
        guards,
        request::{body::IgnoredBody, caller::Caller},
    },
    store,
};

/// The words for the ways in which a session can end.
const ENDINGS: [(&str, Ending); 4] = [
    ("expire-access", Ending::AccessExpires),
    ("expire", Ending::Expires),
    ("revoke", Ending::Revoked),
    ("reuse", Ending::Reused),
];

impl From<EndEarlyError> for ApiError {
    fn from(error: EndEarlyError) -> Self {
        match error {
            EndEarlyError::Unknown(_) => Self::new(ErrorCode::NotFound, "There is no live session with this id."),
            EndEarlyError::Store(error) => error.into(),
        }
    }
}

/// The maximum number of sessions in the list.
const MAX_LISTED: usize = 100;

/// Returns live sessions of all users, at most 100, and which of them is the one of the request.
#[get("/dev/sessions")]
pub async fn list_sessions(
    vestibule: &State<AppState>,
    caller: &Caller,
    own: OwnSession,
) -> Result<Json<Value>, ApiError> {
    let mut reader = vestibule.store.read().await?;
    let live = store::sessions::list_live(&mut reader, caller.context().now).await?;
    let mut sessions = Vec::new();
    for session in live.iter().take(MAX_LISTED) {
        let user = store::users::find(&mut reader, session.user_id).await?;
        sessions.push(json!({
            "id": session.id,
            "user": user.as_ref().and_then(name_of),
            "client_id": session.client_id,
            "device_name": session.device_name,
            "device_bound": session.is_bound(),
            "created_at": session.created_at,
            "last_used_at": session.last_used_at,
            "generation": session.generations.current(),
            "current": own.0 == Some(session.id),
        }));
    }
    Ok(Json(json!({"sessions": sessions})))
}

/// Returns the name by which a person knows a user.
fn name_of(user: &User) -> Option<String> {
    let email = user.email.as_ref().map(|email| email.as_str().to_owned());
    user.username.as_ref().map(|name| name.as_str().to_owned()).or(email)
}

/// The session of the access token of a request, which may have expired.
pub struct OwnSession(Option<SessionId>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for OwnSession {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        let (Ok(vestibule), Ok(cookies)) = (app_state(request), Cookies::of(request)) else {
            return Outcome::Success(Self(None));
        };
        let in_header = guards::bearer(request).ok().flatten();
        let tokens = in_header.into_iter().chain(cookies.presented_tokens().map(|(_, token)| token));
        let session =
            tokens.filter_map(|token| verify_signature(vestibule, token).ok()).map(|claims| claims.sid).next();
        Outcome::Success(Self(session))
    }
}

/// Ends a session, or its access tokens, at once. `id` is the id of a session, or `current`.
#[post("/dev/sessions/<id>/<ending>", data = "<_body>")]
pub async fn end_session(
    id: &str,
    ending: &str,
    vestibule: &State<AppState>,
    caller: &Caller,
    own: OwnSession,
    _body: IgnoredBody,
) -> Result<NoContent, ApiError> {
    let session = match id {
        "current" => {
            let missing = "The request has no access token, so there is no current session.";
            Some(own.0.ok_or_else(|| ApiError::new(ErrorCode::NotFound, missing))?)
        }
        id => SessionId::parse(id),
    };
    let known = ENDINGS.iter().find(|(word, _)| *word == ending).map(|(_, ending)| *ending);
    let ending = known.ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, "Unknown ending. Use expire-access, expire, revoke or reuse.")
    })?;
    let unknown = || ApiError::new(ErrorCode::NotFound, "There is no live session with this id.");
    end_early(vestibule, session.ok_or_else(unknown)?, ending, &caller.context()).await?;
    if matches!(ending, Ending::AccessExpires | Ending::Expires) {
        tokio::time::sleep(vestibule.clock.until_next_second()).await;
    }
    Ok(NoContent)
}

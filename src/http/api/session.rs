//! `GET {base}/session`: the state of the session, for a page that wants to know whether somebody is signed in.

use rocket::{State, get, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::users::UserView;
use crate::{
    config::FingerprintPolicy,
    domain::{SessionId, UnixTime},
    flows::{Vestibule, sessions::logout::session_of},
    http::{
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, Reason},
        guards::AnyAccessToken,
        request::{caller::Caller, log_entry::LogEntry},
    },
    store,
};

/// The state of the session. The values are null if nobody is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionState {
    /// The user of the access token.
    #[schema(required)]
    user: Option<UserView>,
    /// Seconds until the access token expires.
    #[schema(required)]
    expires_in: Option<i64>,
    /// The CSRF token of the session of the cookies. Only for pages of this server and of `cors_allowed_origins`.
    #[schema(required)]
    csrf_token: Option<String>,
    /// Why the session of the token or of the cookies has ended: a value as in a 401. Null if the session is live, so that a
    /// refresh may succeed, or if nobody was signed in.
    #[schema(required, value_type = Option<String>)]
    reason: Option<&'static str>,
    /// Whether a login should have a fingerprint: `off`, `optional` or `required`.
    #[schema(value_type = String)]
    fingerprint: &'static str,
}

/// Returns the state of the session. A missing or invalid token is not an error.
#[get("/session")]
pub async fn session(
    token: AnyAccessToken,
    vestibule: &State<AppState>,
    caller: &Caller,
    entry: &LogEntry,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<Json<SessionState>, ApiError> {
    let now = caller.context().now;
    let user = match &token.0 {
        Some(token) => store::users::find(&mut *vestibule.store.read().await?, token.subject()).await?,
        None => None,
    };
    let expires_in = token.0.filter(|_| user.is_some()).map(|token| token.claims().exp.since(now));
    let fingerprint = match vestibule.config.devices.fingerprint {
        FingerprintPolicy::Off => "off",
        FingerprintPolicy::Log | FingerprintPolicy::Enforce => "optional",
        FingerprintPolicy::Require => "required",
    };
    let of_cookies = if origin.is_foreign() { None } else { session_of_cookies(vestibule, cookies) };
    // The guard has noted the session of a refused token.
    let reason = match of_cookies.or(entry.session()) {
        Some(session) if user.is_none() => why_ended(vestibule, session, now).await?,
        _ => None,
    };
    let csrf_token = of_cookies.map(|session| vestibule.csrf_token(session));
    Ok(Json(SessionState { user: user.map(UserView::from), expires_in, csrf_token, reason, fingerprint }))
}

/// Returns the session of the cookies. The access cookie may be absent or expired: a page can refresh it.
fn session_of_cookies(vestibule: &Vestibule, cookies: Cookies<'_>) -> Option<SessionId> {
    let token = cookies.session().ok().flatten()?;
    if token.is_for_another_service(vestibule) {
        return None;
    }
    session_of(vestibule, &token.presented()).ok().map(|(session, _)| session)
}

/// Returns the reason for which a session has ended; `None` if it is live.
async fn why_ended(vestibule: &Vestibule, id: SessionId, now: UnixTime) -> Result<Option<&'static str>, ApiError> {
    let row = store::sessions::find(&mut *vestibule.store.read().await?, id).await?;
    Ok(Reason::of_ended(row.as_ref(), now).map(Reason::as_str))
}

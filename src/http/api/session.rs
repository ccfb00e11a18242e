//! `GET {base}/session`: the state of the session, for a page that wants to know whether somebody is signed in.

use rocket::{State, get, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::users::UserView;
use crate::{
    config::FingerprintPolicy,
    flows::{Vestibule, sessions::logout::session_of},
    http::{
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::ApiError,
        guards::AnyAccessToken,
        request::caller::Caller,
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
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<Json<SessionState>, ApiError> {
    let user = match &token.0 {
        Some(token) => store::users::find(&mut *vestibule.store.read().await?, token.subject()).await?,
        None => None,
    };
    let expires_in = token.0.filter(|_| user.is_some()).map(|token| token.claims().exp.since(caller.context().now));
    let fingerprint = match vestibule.config.devices.fingerprint {
        FingerprintPolicy::Off => "off",
        FingerprintPolicy::Log | FingerprintPolicy::Enforce => "optional",
        FingerprintPolicy::Require => "required",
    };
    let csrf_token = if origin.is_foreign() { None } else { csrf_token(vestibule, cookies) };
    Ok(Json(SessionState { user: user.map(UserView::from), expires_in, csrf_token, fingerprint }))
}

/// Returns the CSRF token of the session of the cookies. The access cookie may be absent or expired: the page needs the CSRF
/// token to refresh it.
fn csrf_token(vestibule: &Vestibule, cookies: Cookies<'_>) -> Option<String> {
    let token = cookies.session().ok().flatten()?;
    if token.is_for_another_service(vestibule) {
        return None;
    }
    let (session, _) = session_of(vestibule, &token.presented()).ok()?;
    Some(vestibule.csrf_token(session))
}

//! The endpoints with which the bearer of a token lists and ends their own sessions.

use rocket::{State, delete, get, post, response::status::NoContent, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        SessionId, TokenId, UnixTime,
        session::{Session, SessionState},
    },
    flows::{
        self, Vestibule,
        sessions::{
            logout::{PresentedToken, session_of},
            revoke_sessions::{OwnSessions, revoke_own},
        },
    },
    http::{
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        db::{Connection, Db},
        errors::{ApiError, ErrorCode},
        guards::{self, AccessToken, OnAccount},
        request::{
            body::{Body, Fields, FromFields, IgnoredBody, OptionalBody},
            caller::Caller,
            field::{Field, Kind, optional},
        },
    },
    store,
};

/// The confirmation of an action.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageResponse {
    /// A text that confirms the action.
    detail: &'static str,
}

/// The result of a request that ends several sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedSessionsResponse {
    /// A text that confirms the action.
    detail: &'static str,
    /// The number of live sessions that were ended.
    revoked: usize,
}

impl RevokedSessionsResponse {
    /// Returns the response with a text that confirms the action, and the number of sessions that ended.
    pub(in crate::http) fn new(detail: &'static str, revoked: usize) -> Self {
        Self { detail, revoked }
    }
}

/// A session of the user: one login on one device.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// The id of the session: the claim `sid` of its tokens.
    id: String,
    /// The claim `jti` of the session's current refresh token.
    jti: String,
    /// The name of the device; null if the session has no name.
    #[schema(required)]
    device_name: Option<String>,
    /// When the session was opened.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixTime,
    /// When the session was last used for a login, a refresh or a change of the password.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: UnixTime,
    /// When the session's current refresh token expires.
    #[schema(value_type = String, format = DateTime)]
    expires_at: UnixTime,
    /// The client's IP address at the last login or refresh; null if it is unknown.
    #[schema(required)]
    ip: Option<String>,
    /// The client's `User-Agent` at the last login or refresh; null if the client did not send the header.
    #[schema(required)]
    user_agent: Option<String>,
    /// The id of the client that opened the session.
    client_id: String,
    /// Whether each refresh must send a matching fingerprint of the device.
    device_bound: bool,
    /// When a refresh token of the session that had just been replaced came from elsewhere: from another address or program
    /// than the refresh that replaced it, or without the device's secret. Null if this has not happened.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    repeated_at: Option<UnixTime>,
    /// The IP address from which it came; null if this has not happened, or if the address is unknown.
    #[schema(required)]
    repeated_ip: Option<String>,
    /// Whether the access token of this request belongs to the session.
    current: bool,
}

impl SessionView {
    /// Returns the view of `session`. `current` is the session of the access token with which the request is authenticated.
    pub fn new(vestibule: &Vestibule, session: &Session, current: SessionId) -> Self {
        Self {
            id: session.id.to_string(),
            jti: vestibule.refresh_tokens.current_id(session).to_string(),
            device_name: session.device_name.clone(),
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.refresh_expires_at,
            ip: session.ip.clone(),
            user_agent: session.user_agent.clone(),
            client_id: session.client_id.clone(),
            device_bound: session.is_bound(),
            repeated_at: session.repeated.as_ref().map(|repeat| repeat.at),
            repeated_ip: session.repeated.as_ref().and_then(|repeat| repeat.ip.clone()),
            current: session.id == current,
        }
    }
}

/// Returns the live sessions of the bearer, the most recently used session first.
#[get("/active_sessions")]
pub async fn active_sessions(
    token: OnAccount<AccessToken>,
    vestibule: &State<AppState>,
    caller: &Caller,
    mut db: Connection<Db>,
) -> Result<Json<Vec<SessionView>>, ApiError> {
    let live = store::sessions::list_live_by_user(&mut db, token.claims().sub, caller.context().now).await?;
    Ok(Json(live.iter().map(|session| SessionView::new(vestibule, session, token.claims().sid)).collect()))
}

/// A body with an optional refresh token.
pub struct TokenBody(Option<String>);

impl FromFields for TokenBody {
    const FIELDS: &'static [Field] = &[optional(
        "refresh_token",
        Kind::Opaque,
        "A refresh token of the session. By default the session of the token in the request's header or cookie is used.",
    )];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let token = fields.optional("refresh_token", |text| Ok::<_, &str>(text.to_owned()));
        Some(Self(token.filter(|token| !token.is_empty())))
    }
}

/// Ends the session of the token in the body, the header or the cookies, in this order. Removes the cookies even if there is no
/// such session, unless the request comes from a foreign page, because that page could sign its visitor out.
#[post("/logout", data = "<body>")]
pub async fn logout(
    _page: csrf::SameOrigin,
    body: OptionalBody<TokenBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<Json<MessageResponse>, ApiError> {
    let in_body = body.0.and_then(|body| body.0);
    let in_header = guards::in_header(origin.request(), vestibule)?;
    let in_cookie = cookies.session();
    let presented = match (in_body.as_deref(), in_header, &in_cookie) {
        (Some(token), ..) => Some(PresentedToken::Refresh(token)),
        (None, Some(token), _) => Some(PresentedToken::Access(token)),
        (None, None, Ok(Some(token))) => {
            let presented = token.presented();
            let (session, _) = session_of(vestibule, &presented).map_err(ApiError::from)?;
            if is_live(vestibule, session, caller.context().now).await? {
                origin.check(session)?;
            }
            Some(presented)
        }
        (None, None, Ok(None) | Err(_)) => None,
    };
    if !origin.is_foreign() {
        cookies.clear();
    }
    let missing = || ApiError::new(ErrorCode::MissingToken, "Send the token whose session is to end.");
    let presented = presented.ok_or_else(|| in_cookie.err().unwrap_or_else(missing))?;
    flows::sessions::logout::logout(vestibule, &presented, &caller.context()).await?;
    Ok(Json(MessageResponse { detail: "Logged out" }))
}

/// Returns whether a session is live at `now`; `false` if it does not exist. Only a live session needs the CSRF check. If the
/// session has ended, the request only removes cookies or fails.
pub(in crate::http) async fn is_live(
    vestibule: &Vestibule,
    session: SessionId,
    now: UnixTime,
) -> Result<bool, ApiError> {
    let session = store::sessions::find(&mut *vestibule.store.read().await?, session).await?;
    Ok(session.is_some_and(|session| session.state(now) == SessionState::Live))
}

/// Ends every session of the bearer, and removes the cookies.
#[post("/logout_all", data = "<_body>")]
pub async fn logout_all(
    token: OnAccount<AccessToken>,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<RevokedSessionsResponse>, ApiError> {
    let revoked = revoke_own(vestibule, token.claims(), OwnSessions::All, &caller.context()).await?;
    cookies.clear();
    Ok(Json(RevokedSessionsResponse { detail: "All sessions logged out", revoked }))
}

/// Ends every session of the bearer except one. The session of the refresh token in the body is kept; by default it is the
/// session of the access token.
#[post("/revoke_other_session", data = "<body>")]
pub async fn revoke_other_session(
    token: OnAccount<AccessToken>,
    body: OptionalBody<TokenBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<RevokedSessionsResponse>, ApiError> {
    let keep = body.0.and_then(|body| body.0);
    let revoked =
        revoke_own(vestibule, token.claims(), OwnSessions::Others(keep.as_deref()), &caller.context()).await?;
    Ok(Json(RevokedSessionsResponse { detail: "Other sessions revoked", revoked }))
}

/// Ends the live session of the bearer with this id. Responds 404 if there is no such session.
#[delete("/sessions/<id>", data = "<_body>")]
pub async fn delete_session(
    token: OnAccount<AccessToken>,
    id: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    // A text that is not an id is the id of no session.
    let id = SessionId::parse(id).ok_or_else(no_such_session)?;
    revoke_own(vestibule, token.claims(), OwnSessions::One(id), &caller.context()).await?;
    Ok(NoContent)
}

/// The session to end: by its id, or by its `jti` in the list of sessions.
pub enum DeviceBody {
    BySession(String),
    ByToken(String),
}

impl FromFields for DeviceBody {
    const FIELDS: &'static [Field] = &[
        optional("session_id", Kind::Id, "The session's `id`. This field or `jti` is required."),
        optional("jti", Kind::Opaque, "The session's `jti`. This field is ignored if there is a `session_id`."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let text = |text: &str| Ok::<_, &str>(text.to_owned());
        if fields.is_absent("session_id") && fields.is_absent("jti") {
            fields.refuse("session_id", "is required, or a jti");
        }
        let by_session = fields.optional("session_id", text).map(Self::BySession);
        by_session.or(fields.optional("jti", text).map(Self::ByToken))
    }
}

/// Ends the live session of the bearer that the body names. Responds 404 if there is no such session.
#[post("/logout/device", data = "<body>")]
pub async fn logout_device(
    token: OnAccount<AccessToken>,
    body: Body<DeviceBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let which = match &body.0 {
        DeviceBody::BySession(id) => SessionId::parse(id).map(OwnSessions::One),
        DeviceBody::ByToken(id) => TokenId::parse(id).map(OwnSessions::ByTokenId),
    };
    revoke_own(vestibule, token.claims(), which.ok_or_else(no_such_session)?, &caller.context()).await?;
    Ok(NoContent)
}

fn no_such_session() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "You have no such session.")
}

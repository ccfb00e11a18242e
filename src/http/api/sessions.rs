//! The sessions of the bearer: list them, end them.

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
        guards::{self, AccessToken},
        request::{
            body::{Body, Fields, FromFields, IgnoredBody, OptionalBody},
            caller::Caller,
            field::{Field, Kind, optional},
        },
    },
    store,
};

/// What is said when something was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageResponse {
    /// One sentence.
    detail: &'static str,
}

/// What is said when sessions were ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedSessionsResponse {
    /// One sentence.
    detail: &'static str,
    /// How many live sessions were ended.
    revoked: usize,
}

/// A session as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Its id.
    id: String,
    /// The `jti` of its current refresh token.
    jti: String,
    /// What the device is called.
    #[schema(required)]
    device_name: Option<String>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixTime,
    /// The last login or refresh.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: UnixTime,
    /// When its refresh token is over.
    #[schema(value_type = String, format = DateTime)]
    expires_at: UnixTime,
    /// The address of the last login or refresh.
    #[schema(required)]
    ip: Option<String>,
    /// The user agent of the last login or refresh.
    #[schema(required)]
    user_agent: Option<String>,
    /// Through which client.
    client_id: String,
    /// Whether a refresh must bring the device's fingerprint.
    device_bound: bool,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionView {
    /// What `session` shows to the owner of `current`.
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
            current: session.id == current,
        }
    }
}

/// The live sessions of the bearer.
#[get("/active_sessions")]
pub async fn active_sessions(
    token: AccessToken,
    vestibule: &State<AppState>,
    caller: &Caller,
    mut db: Connection<Db>,
) -> Result<Json<Vec<SessionView>>, ApiError> {
    let live = store::sessions::list_live_by_user(&mut db, token.claims().sub, caller.context().now).await?;
    Ok(Json(live.iter().map(|session| SessionView::new(vestibule, session, token.claims().sid)).collect()))
}

/// A refresh token in a body, which may be left out.
pub struct TokenBody(Option<String>);

impl FromFields for TokenBody {
    const FIELDS: &'static [Field] = &[optional(
        "refresh_token",
        Kind::Opaque,
        "A refresh token of the session that is meant. Without it, the session is that of the request's other token.",
    )];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let token = fields.optional("refresh_token", |text| Ok::<_, &str>(text.to_owned()));
        Some(Self(token.filter(|token| !token.is_empty())))
    }
}

/// Ends the session of whatever token is shown. The cookies go in any case, unless a foreign page asks: it could sign
/// people out.
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

/// Whether there is anything to protect: of a session that is over only the cookies are left, and they may go.
pub(in crate::http) async fn is_live(
    vestibule: &Vestibule,
    session: SessionId,
    now: UnixTime,
) -> Result<bool, ApiError> {
    let session = store::sessions::find(&mut *vestibule.store.read().await?, session).await?;
    Ok(session.is_some_and(|session| session.state(now) == SessionState::Live))
}

/// Ends every session of the bearer.
#[post("/logout_all", data = "<_body>")]
pub async fn logout_all(
    token: AccessToken,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<RevokedSessionsResponse>, ApiError> {
    let revoked = revoke_own(vestibule, token.claims(), OwnSessions::All, &caller.context()).await?;
    cookies.clear();
    Ok(Json(RevokedSessionsResponse { detail: "All sessions logged out", revoked }))
}

/// Ends every session of the bearer but one.
#[post("/revoke_other_session", data = "<body>")]
pub async fn revoke_other_session(
    token: AccessToken,
    body: OptionalBody<TokenBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<RevokedSessionsResponse>, ApiError> {
    let keep = body.0.and_then(|body| body.0);
    let revoked =
        revoke_own(vestibule, token.claims(), OwnSessions::Others(keep.as_deref()), &caller.context()).await?;
    Ok(Json(RevokedSessionsResponse { detail: "Other sessions revoked", revoked }))
}

/// Ends one session of the bearer.
#[delete("/sessions/<id>", data = "<_body>")]
pub async fn delete_session(
    token: AccessToken,
    id: &str,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let id = SessionId::parse(id).ok_or_else(no_such_session)?;
    revoke_own(vestibule, token.claims(), OwnSessions::One(id), &caller.context()).await?;
    Ok(NoContent)
}

/// Which session to end: by its id, or by the `jti` that the list shows.
pub enum DeviceBody {
    BySession(String),
    ByToken(String),
}

impl FromFields for DeviceBody {
    const FIELDS: &'static [Field] = &[
        optional("session_id", Kind::Id, "The session's `id`."),
        optional("jti", Kind::Opaque, "The session's `jti`; `session_id` wins over it."),
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

/// Ends one session of the bearer, named in the body.
#[post("/logout/device", data = "<body>")]
pub async fn logout_device(
    token: AccessToken,
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

//! The paths of the systems that Vestibule replaces. They are served if the setting `compat_routes` is on. The handlers accept
//! and return the field names of those systems. Sessions, rotation, revocation and errors are the same as at Vestibule's other
//! endpoints. No setting moves these paths.

use rocket::{Route, State, get, http::MediaType, post, response::status::NoContent, routes, serde::json::Json};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    api::{
        audience,
        login::{self, LoginBody, RefreshBody, sign_in},
        sessions,
        tokens::{self, TokenResponse, Transport},
    },
    app_state::AppState,
    browser::{cookies::Cookies, csrf},
    db::{Connection, Db},
    errors::{ApiError, ErrorCode},
    fairings::renewal::WithOwnToken,
    guards::{self, AccessToken, OnAccount},
    request::{
        body::{Fields, FromFields, IgnoredBody, JsonOrForm, OptionalBody},
        caller::Caller,
        field::{Field, Kind, optional, required},
    },
};
use crate::{
    domain::{UnixTime, access_token::AccessTokenError},
    flows::{
        self, Tokens, Vestibule,
        sessions::{logout::PresentedToken, refresh::Refresh, renew::renew},
        steps::{
            authenticate::{authenticate, inspect_refresh_token},
            past_limit::record_refresh,
        },
    },
    store,
};

/// Returns the table of the paths and their handlers.
pub fn routes() -> Vec<(&'static str, Vec<Route>)> {
    vec![
        // fastapi-simple-jwt. Its endpoints have the same names as Vestibule's, but no common prefix.
        ("/", aliases()),
        // fastapi-users.
        ("/auth/jwt/login", routes![login_with_body]),
        ("/auth/jwt/logout", routes![end_session]),
        ("/auth/jwt/refresh", routes![renewed_token]),
        // The endpoints of a tutorial on JWT.
        ("/login/extended", routes![login_with_body]),
        ("/login/secure", routes![login_with_cookies]),
        ("/login/multi-device", routes![with_jti]),
        ("/token/refresh", routes![refresh]),
        ("/sessions", routes![list_sessions]),
        // djangorestframework-simplejwt.
        ("/api/token", routes![obtain_pair]),
        ("/api/token/refresh", routes![refresh_pair]),
        ("/api/token/verify", routes![verify]),
        ("/api/token/blacklist", routes![blacklist]),
    ]
}

/// Returns Vestibule's own session endpoints, to be mounted at the root.
fn aliases() -> Vec<Route> {
    let mut routes = routes![
        login::login,
        login::refresh,
        sessions::logout,
        sessions::logout_all,
        sessions::active_sessions,
        sessions::revoke_other_session,
    ];
    // The form of the sign-in page is posted to `/login` too, so this route accepts only JSON.
    let login = routes.iter_mut().filter(|route| route.uri.path() == "/login");
    login.for_each(|route| route.format = Some(MediaType::JSON));
    routes
}

/// Signs a user in, and returns the tokens in the body.
#[post("/", data = "<body>")]
async fn login_with_body(
    body: JsonOrForm<LoginBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<TokenResponse>, ApiError> {
    let tokens = sign_in(body.0, vestibule, caller, cookies).await?;
    Ok(tokens::respond(cookies, tokens, Transport::Body))
}

/// Revokes the session of the access token, for which service it ever is. Responds 204.
#[post("/", data = "<_body>")]
async fn end_session(
    token: AccessToken,
    _body: IgnoredBody,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let own = flows::sessions::revoke_sessions::OwnSessions::One(token.claims().sid);
    flows::sessions::revoke_sessions::revoke_own(vestibule, token.claims(), own, &caller.context()).await?;
    Ok(NoContent)
}

/// The response of `renewed_token`.
#[derive(Serialize)]
struct Renewal {
    /// The new token, or the request's own token if it was not renewed. Absent if the request sent its access token in a
    /// cookie: then the response sets the cookie to the new token, because scripts must not be able to read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    token_type: &'static str,
    expires_in: i64,
}

/// Renews the access token, because the clients of this path have no refresh token. No refresh token is rotated, so the session
/// does not end later. If the access token can't be renewed, for example because the session is bound to its device, the
/// response is a success and the client keeps its token. A token for any service is renewed, as at a refresh.
#[post("/", data = "<_body>")]
async fn renewed_token(
    token: AccessToken,
    _body: IgnoredBody,
    origin: csrf::RequestOrigin<'_>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<WithOwnToken<Json<Renewal>>, ApiError> {
    let now = caller.context().now;
    // A renewal counts as a refresh, so the same limit applies.
    if let Err(wait) = vestibule.throttle.refreshes.take(&token.claims().sid) {
        record_refresh(vestibule, token.session_id(), token.subject(), &caller.context()).await?;
        return Err(ApiError::too_many(wait));
    }
    let renewed = renew(vestibule, token.claims(), i64::MAX, now).await?;
    let expires_in = renewed.as_ref().map_or_else(|| token.claims().exp.since(now), |renewed| renewed.expires_in);
    let access_token = if token.came_in_cookie() {
        if let Some(renewed) = renewed {
            cookies.set_access(renewed.access_token, renewed.refresh_expires_in);
        }
        None
    } else {
        // This is not an error: the client continues with the token that it sent.
        let kept = guards::bearer(origin.request())?.map(str::to_owned);
        renewed.map(|renewed| renewed.access_token).or(kept)
    };
    Ok(WithOwnToken(Json(Renewal { access_token, token_type: "bearer", expires_in })))
}

/// The response of `login_with_cookies`.
#[derive(Serialize)]
struct CookieLogin {
    message: &'static str,
    csrf_token: String,
}

/// Signs a user in and returns the tokens in cookies. Checks the origin, because a form of a foreign page could sign its
/// visitor in as another user.
#[post("/", data = "<body>")]
async fn login_with_cookies(
    origin: csrf::RequestOrigin<'_>,
    body: JsonOrForm<LoginBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<CookieLogin>, ApiError> {
    origin.check_origin()?;
    let JsonOrForm(mut body) = body;
    // The path determines the transport, whatever the body requests.
    body.transport = Transport::Cookie;
    let tokens = sign_in(body, vestibule, caller, cookies).await?;
    cookies.set(&tokens);
    Ok(Json(CookieLogin { message: "Login successful", csrf_token: tokens.csrf_token }))
}

/// The response of `with_jti`.
#[derive(Serialize)]
struct DeviceLogin {
    #[serde(flatten)]
    tokens: TokenResponse,
    /// The `jti` of the session's refresh token, by which the list at `/sessions` names the session.
    jti: String,
}

/// Signs a user in. Returns the tokens and the `jti` of the refresh token.
#[post("/", data = "<body>")]
async fn with_jti(
    body: JsonOrForm<LoginBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<DeviceLogin>, ApiError> {
    let tokens = sign_in(body.0, vestibule, caller, cookies).await?;
    let jti = vestibule.refresh_tokens.verify_signature(&tokens.refresh_token).map_err(ApiError::from)?.id();
    Ok(Json(DeviceLogin {
        tokens: tokens::respond(cookies, tokens, Transport::Body).into_inner(),
        jti: jti.to_string(),
    }))
}

/// Refreshes with the token in the body or in the query; the body takes precedence. The existing clients of this path send the
/// token in the query, although logs and browser histories keep it there. New clients should send it in the body.
#[post("/?<refresh_token>", data = "<body>")]
async fn refresh(
    refresh_token: Option<&str>,
    body: OptionalBody<RefreshBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<TokenResponse>, ApiError> {
    let mut body = body.0.unwrap_or_default();
    body.refresh_token = body.refresh_token.or(refresh_token.map(str::to_owned));
    let tokens = refreshed(body, vestibule, caller).await?;
    Ok(tokens::respond(cookies, tokens, Transport::Body))
}

/// Refreshes with the refresh token of a body. Fails with [`ErrorCode::MissingToken`] if the body has no token.
async fn refreshed(body: RefreshBody, vestibule: &Vestibule, caller: &Caller) -> Result<Tokens, ApiError> {
    let missing = || ApiError::new(ErrorCode::MissingToken, "Send a refresh token.");
    let token = body.refresh_token.ok_or_else(missing)?;
    let device_ids = body.device_id.into_iter().collect();
    let (fingerprint, audience) = (body.fingerprint, body.audience);
    let request = Refresh { fingerprint, device_ids, audience, ..Refresh::of(&token) };
    Ok(flows::sessions::refresh::refresh(vestibule, request, &caller.context()).await?)
}

/// A session in the list of `list_sessions`.
#[derive(Serialize)]
struct ListedDevice {
    jti: String,
    device: Option<String>,
    created_at: UnixTime,
}

/// Returns the live sessions of the bearer, newest login first.
#[get("/")]
async fn list_sessions(
    token: OnAccount<AccessToken>,
    vestibule: &State<AppState>,
    caller: &Caller,
    mut db: Connection<Db>,
) -> Result<Json<Value>, ApiError> {
    let mut live = store::sessions::list_live_by_user(&mut db, token.claims().sub, caller.context().now).await?;
    live.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    let listed = live.into_iter().map(|session| ListedDevice {
        jti: vestibule.refresh_tokens.current_id(&session).to_string(),
        device: session.device_name,
        created_at: session.created_at,
    });
    Ok(Json(json!({ "active_sessions": listed.collect::<Vec<_>>() })))
}

/// A refresh token and an access token, under the names that simplejwt uses.
#[derive(Serialize)]
struct Pair {
    refresh: String,
    access: String,
}

impl From<Tokens> for Pair {
    fn from(tokens: Tokens) -> Self {
        Self { refresh: tokens.refresh_token, access: tokens.access_token }
    }
}

/// Signs a user in. Returns both tokens under the names of simplejwt.
#[post("/", data = "<body>")]
async fn obtain_pair(
    body: JsonOrForm<LoginBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Json<Pair>, ApiError> {
    Ok(Json(sign_in(body.0, vestibule, caller, cookies).await?.into()))
}

/// A body with a refresh token in the field `refresh`.
struct PairBody(RefreshBody);

impl FromFields for PairBody {
    const FIELDS: &'static [Field] = &[
        required("refresh", Kind::Opaque, "The session's refresh token."),
        optional("fingerprint", Kind::Fingerprint, "Required if the session is bound to a device."),
        login::REFRESH_DEVICE_ID,
        audience::AUDIENCE,
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let refresh_token = fields.required("refresh", |text| Ok::<_, &str>(text.to_owned()));
        let fingerprint = login::fingerprint(fields, vestibule);
        let (device_id, audience) = (login::device_id(fields), audience::audience(fields));
        Some(Self(RefreshBody { refresh_token: Some(refresh_token?), fingerprint, device_id, audience }))
    }
}

/// Refreshes. Returns both new tokens under the names of simplejwt.
#[post("/", data = "<body>")]
async fn refresh_pair(
    body: JsonOrForm<PairBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<Pair>, ApiError> {
    Ok(Json(refreshed(body.0.0, vestibule, caller).await?.into()))
}

/// A body with an access token or a refresh token.
struct EitherBody(String);

impl FromFields for EitherBody {
    const FIELDS: &'static [Field] = &[required("token", Kind::Opaque, "An access token or a refresh token.")];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        fields.required("token", |text| Ok::<_, &str>(Self(text.to_owned())))
    }
}

/// Responds 200 if a token is valid now, whether it is an access token or a refresh token.
#[post("/", data = "<body>")]
async fn verify(
    body: JsonOrForm<EitherBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<Value>, ApiError> {
    let (EitherBody(token), now) = (body.0, caller.context().now);
    match authenticate(vestibule, &token, now) {
        Err(AccessTokenError::WrongType) => drop(inspect_refresh_token(vestibule, &token, now).await?),
        access => drop(access?),
    }
    Ok(Json(json!({})))
}

/// Revokes the session of a refresh token. Succeeds too if the session has ended already.
#[post("/", data = "<body>")]
async fn blacklist(
    body: JsonOrForm<PairBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<Json<Value>, ApiError> {
    let token = body.0.0.refresh_token.unwrap_or_default();
    flows::sessions::logout::logout(vestibule, &PresentedToken::Refresh(&token), &caller.context()).await?;
    Ok(Json(json!({})))
}

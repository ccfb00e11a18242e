//! The paths of the systems that Vestibule succeeds, with `compat_routes`: thin aliases that take and give their field names, over
//! our sessions, rotation and revocation. Errors are ours. These paths stand where they stood and move with no setting.
//!
//! | path | came from | is |
//! | --- | --- | --- |
//! | `/login` `/refresh` `/logout` `/logout_all` `/active_sessions` `/revoke_other_session` | fastapi-simple-jwt | the endpoint of that name |
//! | `/auth/jwt/login` `logout` `refresh` | fastapi-users | login; logout, 204; an access token for an access token |
//! | `/login/extended` `/login/secure` `/login/multi-device` | a JWT tutorial | login: all tokens; in cookies; with a `jti` |
//! | `/token/refresh` `/sessions` | the same | refresh; the list of sessions |
//! | `/api/token/` and `refresh/` `verify/` `blacklist/` below | djangorestframework-simplejwt | login; refresh; is it live?; logout |

use rocket::{
    Route, State, get,
    http::{CookieJar, MediaType},
    post,
    response::status::NoContent,
    routes,
    serde::json::Json,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Shared,
    body::{Fields, FromFields, Ignored, JsonOrForm, OptionalBody},
    caller::Caller,
    csrf,
    db::{Connection, Db},
    errors::{ApiError, Code},
    guards::{AccessToken, presented},
    login::{self, LoginBody, RefreshBody, sign_in},
    sessions,
    tokens::{self, TokenAnswer, Transport},
};
use crate::{
    domain::{UnixTime, access_token::AccessTokenError},
    flows::{
        self, Tokens, Vestibule,
        authenticate::{authenticate, look_at_refresh},
        logout::Shown,
        refresh::Refresh,
        renew::renew,
    },
    store,
};

/// Every alias.
pub fn routes() -> Vec<Route> {
    let mut same = routes![
        login::login,
        login::refresh,
        sessions::logout,
        sessions::logout_all,
        sessions::active_sessions,
        sessions::revoke_other_session,
    ];
    // The page posts its form to the same path.
    let login = same.iter_mut().filter(|route| route.uri.path() == "/login");
    login.for_each(|route| route.format = Some(MediaType::JSON));
    let own = routes![
        jwt_login,
        jwt_logout,
        jwt_refresh,
        login_extended,
        login_secure,
        login_multi_device,
        token_refresh,
        list_sessions,
        pair,
        pair_refresh,
        pair_verify,
        pair_blacklist,
    ];
    same.into_iter().chain(own).collect()
}

#[post("/auth/jwt/login", data = "<body>")]
async fn jwt_login(
    body: JsonOrForm<LoginBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
    jar: &CookieJar<'_>,
) -> Result<Json<TokenAnswer>, ApiError> {
    let tokens = sign_in(body.0, vestibule, caller, jar).await?;
    Ok(tokens::answer(jar, vestibule, tokens, Transport::Body))
}

#[post("/auth/jwt/logout", data = "<_body>")]
async fn jwt_logout(
    token: AccessToken,
    _body: Ignored,
    vestibule: &State<Shared>,
    caller: &Caller,
) -> Result<NoContent, ApiError> {
    let own = flows::revoke_sessions::Own::One(token.claims().sid);
    flows::revoke_sessions::revoke_own(vestibule, token.claims(), own, &caller.origin()).await?;
    Ok(NoContent)
}

#[derive(Serialize)]
struct Renewal {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
}

/// Its clients have no refresh token. Nothing rotates, so the session ends when it would have. Where there is nothing to gain, such
/// as in a session that is bound to its device, the token comes back as it was.
#[post("/auth/jwt/refresh", data = "<_body>")]
async fn jwt_refresh(
    token: AccessToken,
    _body: Ignored,
    site: csrf::Site<'_>,
    vestibule: &State<Shared>,
    caller: &Caller,
) -> Result<Json<Renewal>, ApiError> {
    let now = caller.origin().now;
    vestibule.throttle.refreshes.take(&token.claims().sid).map_err(ApiError::too_many)?;
    let (access_token, expires_in) = match renew(vestibule, token.claims(), i64::MAX, now).await? {
        Some(renewed) => (renewed.access_token, renewed.expires_in),
        None => {
            let presented = presented(site.request(), vestibule)?.ok_or_else(ApiError::missing_token)?;
            (presented.token().to_owned(), token.claims().exp.since(now))
        }
    };
    Ok(Json(Renewal { access_token, token_type: "bearer", expires_in }))
}

#[post("/login/extended", data = "<body>")]
async fn login_extended(
    body: JsonOrForm<LoginBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
    jar: &CookieJar<'_>,
) -> Result<Json<TokenAnswer>, ApiError> {
    let tokens = sign_in(body.0, vestibule, caller, jar).await?;
    Ok(tokens::answer(jar, vestibule, tokens, Transport::Body))
}

#[derive(Serialize)]
struct CookieLogin {
    message: &'static str,
    csrf_token: String,
}

/// A form could come from a foreign page, which would sign the visitor in as somebody else.
#[post("/login/secure", data = "<body>")]
async fn login_secure(
    site: csrf::Site<'_>,
    body: JsonOrForm<LoginBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
    jar: &CookieJar<'_>,
) -> Result<Json<CookieLogin>, ApiError> {
    site.check_origin()?;
    let JsonOrForm(mut body) = body;
    body.transport = Transport::Cookie;
    let tokens = sign_in(body, vestibule, caller, jar).await?;
    super::cookies::set(jar, vestibule, &tokens);
    Ok(Json(CookieLogin { message: "Login successful", csrf_token: tokens.csrf_token }))
}

#[derive(Serialize)]
struct DeviceLogin {
    #[serde(flatten)]
    tokens: TokenAnswer,
    /// The one that `/sessions` shows.
    jti: String,
}

#[post("/login/multi-device", data = "<body>")]
async fn login_multi_device(
    body: JsonOrForm<LoginBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
    jar: &CookieJar<'_>,
) -> Result<Json<DeviceLogin>, ApiError> {
    let tokens = sign_in(body.0, vestibule, caller, jar).await?;
    let jti = vestibule.refresh_tokens.verify_signature(&tokens.refresh_token).map_err(ApiError::from)?.id();
    Ok(Json(DeviceLogin {
        tokens: tokens::answer(jar, vestibule, tokens, Transport::Body).into_inner(),
        jti: jti.to_string(),
    }))
}

/// Its clients send the token in the query, where logs and histories keep it; better ones send a body.
#[post("/token/refresh?<refresh_token>", data = "<body>")]
async fn token_refresh(
    refresh_token: Option<&str>,
    body: OptionalBody<RefreshBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
    jar: &CookieJar<'_>,
) -> Result<Json<TokenAnswer>, ApiError> {
    let mut body = body.0.unwrap_or(RefreshBody { refresh_token: None, fingerprint: None });
    body.refresh_token = body.refresh_token.or(refresh_token.map(str::to_owned));
    let tokens = refreshed(body, vestibule, caller).await?;
    Ok(tokens::answer(jar, vestibule, tokens, Transport::Body))
}

async fn refreshed(body: RefreshBody, vestibule: &Vestibule, caller: &Caller) -> Result<Tokens, ApiError> {
    let missing = || ApiError::new(Code::MissingToken, "Send a refresh token.");
    let token = body.refresh_token.ok_or_else(missing)?;
    let request = Refresh { fingerprint: body.fingerprint, ..Refresh::of(&token) };
    Ok(flows::refresh::refresh(vestibule, request, &caller.origin()).await?)
}

#[derive(Serialize)]
struct ListedDevice {
    jti: String,
    device: Option<String>,
    created_at: UnixTime,
}

#[get("/sessions")]
async fn list_sessions(
    token: AccessToken,
    vestibule: &State<Shared>,
    caller: &Caller,
    mut db: Connection<Db>,
) -> Result<Json<Value>, ApiError> {
    let mut live = store::sessions::list_live_by_user(&mut db, token.claims().sub, caller.origin().now).await?;
    live.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    let listed = live.into_iter().map(|session| ListedDevice {
        jti: vestibule.refresh_tokens.current_id(&session).to_string(),
        device: session.device_name,
        created_at: session.created_at,
    });
    Ok(Json(json!({ "active_sessions": listed.collect::<Vec<_>>() })))
}

/// What simplejwt calls a pair of tokens.
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

#[post("/api/token", data = "<body>")]
async fn pair(
    body: JsonOrForm<LoginBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
    jar: &CookieJar<'_>,
) -> Result<Json<Pair>, ApiError> {
    Ok(Json(sign_in(body.0, vestibule, caller, jar).await?.into()))
}

/// A refresh token under the name `refresh`.
struct PairBody(RefreshBody);

impl FromFields for PairBody {
    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        let refresh_token = fields.required("refresh", |text| Ok::<_, &str>(text.to_owned()));
        let fingerprint = login::fingerprint(fields, vestibule);
        Some(Self(RefreshBody { refresh_token: Some(refresh_token?), fingerprint }))
    }
}

#[post("/api/token/refresh", data = "<body>")]
async fn pair_refresh(
    body: JsonOrForm<PairBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
) -> Result<Json<Pair>, ApiError> {
    Ok(Json(refreshed(body.0.0, vestibule, caller).await?.into()))
}

/// A token of either kind.
struct EitherBody(String);

impl FromFields for EitherBody {
    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        fields.required("token", |text| Ok::<_, &str>(Self(text.to_owned())))
    }
}

#[post("/api/token/verify", data = "<body>")]
async fn pair_verify(
    body: JsonOrForm<EitherBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
) -> Result<Json<Value>, ApiError> {
    let (EitherBody(token), now) = (body.0, caller.origin().now);
    match authenticate(vestibule, &token, now) {
        Err(AccessTokenError::WrongType) => drop(look_at_refresh(vestibule, &token, now).await?),
        access => drop(access?),
    }
    Ok(Json(json!({})))
}

#[post("/api/token/blacklist", data = "<body>")]
async fn pair_blacklist(
    body: JsonOrForm<PairBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
) -> Result<Json<Value>, ApiError> {
    let token = body.0.0.refresh_token.unwrap_or_default();
    flows::logout::logout(vestibule, &Shown::Refresh(&token), &caller.origin()).await?;
    Ok(Json(json!({})))
}

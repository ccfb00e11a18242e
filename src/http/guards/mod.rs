//! Request guards. A request reaches a handler only if it meets the conditions of the guards in the handler's signature.
//!
//! The fields of the guards are private, so a value of a guard's type proves that the request was checked. The guards of access
//! tokens read memory, never the database. [`MaybeAccessToken`] is a separate guard, because `Option<AccessToken>` would treat
//! a forged token like an absent token.

mod account;
pub(in crate::http) mod admin;
mod authorization;
mod bearer_token;
mod current_user;
pub mod protected;
mod refresh_token;
mod require;

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use rocket::{
    Request,
    http::Method,
    request::{FromRequest, Outcome},
};
use serde_json::{Map, Value};

use self::authorization::bounded;
pub(super) use self::authorization::{authorization, bearer, in_header};
pub(in crate::http) use self::{account::OnAccount, bearer_token::BearerToken};
pub use self::{
    current_user::CurrentUser,
    refresh_token::RefreshToken,
    require::{PermissionName, Require},
};
use crate::{
    domain::{AccessClaims, Permission, SessionId, TokenId, UserId, access_token::AccessTokenError},
    flows::{
        Vestibule,
        steps::authenticate::{check_validity, verify_signature},
    },
    http::{
        app_state::app_state,
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode, guard_outcome},
        request::log_entry::LogEntry,
    },
};

/// A request guard for requests with a valid access token. If there is no token, or if the token is invalid, expired or
/// revoked, the response is 401.
///
/// The token is read from `Authorization: Bearer …` or from the access cookie, as the setting `token_location` allows. The
/// header takes precedence. The guard does not read the database.
///
/// If the token came in a cookie and the method is not GET, HEAD or OPTIONS, the request must come from an allowed origin and
/// carry the CSRF token of the session in the header `X-CSRF-Token` (setting `csrf_header_name`). Otherwise the response is
/// 403.
///
/// [`FreshToken`], [`CurrentUser`] and [`Require`] contain this guard and dereference to it, so they have all of its methods.
///
/// ```
/// # use rocket::get;
/// use vestibule::AccessToken;
///
/// #[get("/whoami")]
/// fn whoami(token: AccessToken) -> String {
///     let team = token.raw_claims().remove("team").unwrap_or_default();
///     format!("{} with the roles {:?}, of team {team}, by token {}", token.subject(), token.roles(), token.jti())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct AccessToken {
    claims: Arc<AccessClaims>,
    came_in_cookie: bool,
}

impl AccessToken {
    fn of_cookie(claims: Arc<AccessClaims>) -> Self {
        Self { claims, came_in_cookie: true }
    }

    /// Returns the claims of the token.
    pub fn claims(&self) -> &AccessClaims {
        &self.claims
    }

    /// Returns the claims of the token, for a value that outlives the guard.
    pub(in crate::http) fn shared_claims(&self) -> Arc<AccessClaims> {
        Arc::clone(&self.claims)
    }

    /// Returns every claim by its name, as in the token. Custom claims are included.
    pub fn raw_claims(&self) -> Map<String, Value> {
        self.claims.raw()
    }

    /// Returns the id of the user: the claim `sub`.
    pub fn subject(&self) -> UserId {
        self.claims.sub
    }

    /// Returns the id of the token: the claim `jti`.
    pub fn jti(&self) -> TokenId {
        self.claims.jti
    }

    /// Returns the id of the session that the token belongs to: the claim `sid`.
    pub fn session_id(&self) -> SessionId {
        self.claims.sid
    }

    /// Returns the user's roles, sorted.
    pub fn roles(&self) -> &[String] {
        &self.claims.roles
    }

    /// Returns whether the user has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.claims.roles.iter().any(|held| held == role)
    }

    /// Returns the permissions that the token carries, sorted. These are the user's permissions, limited by the client's
    /// setting `scopes` and by the scope that was requested at the login.
    pub fn permissions(&self) -> &[Permission] {
        &self.claims.permissions
    }

    /// Returns whether the token carries a permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.claims.has_permission(permission)
    }

    /// Returns whether the token came in a cookie. A response with a new token must then set the cookie too.
    pub fn came_in_cookie(&self) -> bool {
        self.came_in_cookie
    }
}

/// A request guard for requests with a valid access token or with no token. If the token is invalid, expired or revoked, the
/// response is 401, as for [`AccessToken`].
///
/// ```
/// # use rocket::get;
/// use vestibule::MaybeAccessToken;
///
/// #[get("/")]
/// fn index(token: MaybeAccessToken) -> String {
///     match token.token() {
///         Some(token) => format!("You are signed in as {}.", token.subject()),
///         None => "You are not signed in.".to_owned(),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct MaybeAccessToken(Option<AccessToken>);

impl MaybeAccessToken {
    /// Returns the token; `None` if the request has no token.
    pub fn token(&self) -> Option<&AccessToken> {
        self.0.as_ref()
    }
}

/// A request guard for every request. The token is absent if the request has no valid token for this server itself.
pub(in crate::http) struct AnyAccessToken(pub Option<AccessToken>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for AnyAccessToken {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(required_for_account(request).ok()))
    }
}

/// A request guard for requests with a fresh access token: the token was issued because the user had just proved the password.
/// A login, a reauthentication at the endpoint `fresh` and a password change issue fresh tokens. A refresh and a renewal do
/// not. With a valid token that is not fresh, the response is 401 with the code `fresh_token_required`.
///
/// ```
/// # use rocket::delete;
/// use vestibule::FreshToken;
///
/// #[delete("/notes")]
/// fn delete_notes(token: FreshToken) -> String {
///     format!("All notes of {} are deleted.", token.subject())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct FreshToken(AccessToken);

impl Deref for FreshToken {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for AccessToken {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        guard_outcome(request, required(request).and_then(|token| grant(request, token)))
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for MaybeAccessToken {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let token = check(request).and_then(|token| token.map(|token| grant(request, token)).transpose());
        guard_outcome(request, token.map(Self))
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for FreshToken {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        guard_outcome(request, required(request).and_then(|token| fresh(request, token)))
    }
}

/// Grants a token if it is fresh.
fn fresh(request: &Request<'_>, token: AccessToken) -> Result<FreshToken, ApiError> {
    if token.claims().fresh {
        return grant(request, token).map(FreshToken);
    }
    let message = "A fresh access token is required; prove your password again first.";
    Err(ApiError::new(ErrorCode::FreshTokenRequired, message))
}

/// Returns the access token of a request that a proxy wants to be checked. Checks no CSRF token. Does not mark the token as
/// granted, so the response does not renew it. The token must be for this server, as at the endpoints of the account: the
/// applications behind the proxy trust what this server says about the user.
pub(super) fn inspect(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    let vestibule = app_state(request)?;
    let of_cookie = |token| verify(request, vestibule, bounded(token)?);
    let token = match of_header(request, vestibule)? {
        Some(token) => Some(token),
        None => Cookies::of(request)?.access_of_any_host(of_cookie)?.map(AccessToken::of_cookie),
    };
    token.ok_or_else(ApiError::missing_token).and_then(|token| check_audience(request, token))
}

/// Returns the valid access token of this request, or the error for a missing or invalid token.
fn required(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    check(request)?.ok_or_else(ApiError::missing_token)
}

/// Returns the valid access token of this request, if it is for the server itself.
fn required_for_account(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    required(request).and_then(|token| check_audience(request, token))
}

/// Returns the token if its audience is the server itself.
fn check_audience(request: &Request<'_>, token: AccessToken) -> Result<AccessToken, ApiError> {
    if *app_state(request)?.config.tokens.audience == token.claims().aud {
        return Ok(token);
    }
    let message = "This access token is for another service; request one with the audience of this server.";
    Err(ApiError::new(ErrorCode::InvalidToken, message))
}

/// Returns the valid access token of this request; `None` if the request has no token. The result is cached, so that several
/// guards verify the token only once.
fn check(request: &Request<'_>) -> Result<Option<AccessToken>, ApiError> {
    request.local_cache(|| check_once(request)).clone()
}

/// Reads and verifies the token: first in the header, then in the cookies.
fn check_once(request: &Request<'_>) -> Result<Option<AccessToken>, ApiError> {
    let vestibule = app_state(request)?;
    if let Some(token) = of_header(request, vestibule)? {
        return Ok(Some(token));
    }
    let claims = Cookies::of(request)?.access(|token| verify(request, vestibule, bounded(token)?))?;
    // Of several cookies the last one that was verified may be another than the one that counts.
    match &claims {
        Some(claims) => LogEntry::of(request).set_token(claims.sub, claims.sid),
        None => LogEntry::of(request).forget_token(),
    }
    Ok(claims.map(AccessToken::of_cookie))
}

/// Reads and verifies the token in the header.
fn of_header(request: &Request<'_>, vestibule: &Vestibule) -> Result<Option<AccessToken>, ApiError> {
    let Some(token) = in_header(request, vestibule)? else { return Ok(None) };
    let claims = verify(request, vestibule, token)?;
    claims.check_bearer()?;
    Ok(Some(AccessToken { claims, came_in_cookie: false }))
}

/// Verifies an access token as `authenticate` does. Records its user for the log, also if the token is not valid any longer.
fn verify(request: &Request<'_>, vestibule: &Vestibule, token: &str) -> Result<Arc<AccessClaims>, ApiError> {
    let claims = verify_signature(vestibule, token)?;
    LogEntry::of(request).set_token(claims.sub, claims.sid);
    check_validity(vestibule, &claims, vestibule.clock.now())?;
    Ok(claims)
}

/// Admits a request for a protected route. The request must have a valid access token, or its path must match an entry of
/// `exclude_urls`. The guards of the handler are checked afterwards.
pub(super) fn admit(request: &Request<'_>) -> Result<(), ApiError> {
    // No host is passed, because the client can choose the header `Host`. An entry with a host is only for forward
    // authentication, where a trusted proxy names the host.
    if app_state(request)?.exclusions.covers(None, &request.uri().to_string()) {
        return Ok(());
    }
    required(request).and_then(|token| grant(request, token)).map(drop)
}

/// Grants a token to the handler. If the token came in a cookie, the CSRF check must succeed, unless the method is safe. Marks
/// the token as granted.
fn grant(request: &Request<'_>, token: AccessToken) -> Result<AccessToken, ApiError> {
    if token.came_in_cookie && !is_safe(request.method()) {
        csrf::check(request, app_state(request)?, token.claims.sid)?;
    }
    Ok(remember_granted(request, token))
}

/// Returns the token of the access cookie, for a page. Fails if the request has no valid token, or has it in the header. Checks
/// no CSRF token: the forms of a page have it in the body, so the code that reads the form checks it.
pub(super) fn in_cookie(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    let token = required_for_account(request)?;
    if token.came_in_cookie { Ok(remember_granted(request, token)) } else { Err(ApiError::missing_token()) }
}

/// Returns the claims of an access cookie that was valid until it expired. A token that has expired may also have been revoked.
/// So the claims prove nothing, and are only for the question for the password: its flow reads the rows.
///
/// # Errors
/// As for [`in_cookie`], also if a token that has not expired was revoked.
pub(super) fn expired_in_cookie(request: &Request<'_>) -> Result<Arc<AccessClaims>, ApiError> {
    let vestibule = app_state(request)?;
    let expired = |token| {
        let claims = verify_signature(vestibule, bounded(token)?)?;
        match check_validity(vestibule, &claims, vestibule.clock.now()) {
            Ok(()) | Err(AccessTokenError::Expired) => Ok(claims),
            Err(error) => Err(error.into()),
        }
    };
    let claims = Cookies::of(request)?.access(expired)?;
    let token = claims.map(AccessToken::of_cookie).ok_or_else(ApiError::missing_token)?;
    Ok(check_audience(request, token)?.claims)
}

/// Marks a token as granted, so that the response may renew it and the body's reader checks it again.
fn remember_granted(request: &Request<'_>, token: AccessToken) -> AccessToken {
    let granted: &Granted = request.local_cache(Granted::default);
    *granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
    token
}

/// The token that a guard has granted, in the cache of the request.
type Granted = Mutex<Option<AccessToken>>;

/// Returns the token that a guard has granted; `None` if no guard has granted a token.
pub(super) fn granted(request: &Request<'_>) -> Option<AccessToken> {
    let granted: &Granted = request.local_cache(Granted::default);
    granted.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Removes the mark of the granted token, so that the response does not renew the token.
pub(super) fn forget_granted(request: &Request<'_>) {
    let granted: &Granted = request.local_cache(Granted::default);
    *granted.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Checks the granted token again, after the body was read. The token may have expired or been revoked while the body arrived.
/// Succeeds if no token was granted.
pub(super) fn check_again(request: &Request<'_>) -> Result<(), ApiError> {
    match granted(request) {
        Some(token) => {
            let vestibule = app_state(request)?;
            Ok(check_validity(vestibule, &token.claims, vestibule.clock.now())?)
        }
        None => Ok(()),
    }
}

/// Returns whether a method is safe: it changes nothing (RFC 9110 §9.2.1).
fn is_safe(method: Method) -> bool {
    matches!(method, Method::Get | Method::Head | Method::Options)
}

//! Request guards: a route that names one in its signature is reached only by requests that have what it stands for.
//!
//! Their fields are private, so that holding one is the proof. Those of an access token read memory, never the database.
//! Optional is a guard of its own: `Option<AccessToken>` would take a forged token for none.

mod bearer_token;
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

pub(in crate::http) use self::bearer_token::BearerToken;
pub use self::{
    refresh_token::RefreshToken,
    require::{PermissionName, Require},
};
use crate::{
    domain::{AccessClaims, Permission, SessionId, TokenId, UserId, jwt},
    flows::{
        Vestibule,
        steps::authenticate::{authenticate, check_validity},
    },
    http::{
        app_state::app_state,
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode, guard_outcome},
    },
};

/// A request with an access token that holds.
///
/// [`FreshToken`], [`CurrentUser`] and [`Require`] stand for more and give all of this too.
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
    /// What the token says.
    pub fn claims(&self) -> &AccessClaims {
        &self.claims
    }

    /// Every claim by its name, custom ones too, as it stands in the token.
    pub fn raw_claims(&self) -> Map<String, Value> {
        self.claims.raw()
    }

    /// The user: the claim `sub`.
    pub fn subject(&self) -> UserId {
        self.claims.sub
    }

    /// The token's own id.
    pub fn jti(&self) -> TokenId {
        self.claims.jti
    }

    /// The session that it is of: the claim `sid`.
    pub fn session_id(&self) -> SessionId {
        self.claims.sid
    }

    /// The user's roles, sorted.
    pub fn roles(&self) -> &[String] {
        &self.claims.roles
    }

    /// Whether the user has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.claims.roles.iter().any(|held| held == role)
    }

    /// What may be done with it, sorted: the user's permissions, as far as the client and the scope let them through.
    pub fn permissions(&self) -> &[Permission] {
        &self.claims.permissions
    }

    /// Whether a permission is among them.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.claims.has_permission(permission)
    }

    /// Whether a cookie brought it, so that a new one goes back the same way.
    pub fn came_in_cookie(&self) -> bool {
        self.came_in_cookie
    }
}

/// A request without a token, or with one that holds; a bad one is refused.
#[derive(Clone, Debug)]
pub struct MaybeAccessToken(Option<AccessToken>);

impl MaybeAccessToken {
    /// The token, where there is one.
    pub fn token(&self) -> Option<&AccessToken> {
        self.0.as_ref()
    }
}

/// A request with an access token for which a password was just proved.
#[derive(Clone, Debug)]
pub struct FreshToken(AccessToken);

/// The user whose access token the request has, as the token describes them.
#[derive(Clone, Debug)]
pub struct CurrentUser(AccessToken);

impl CurrentUser {
    /// Their id.
    pub fn id(&self) -> UserId {
        self.subject()
    }

    /// Their name, where `token_claims` lists it and they have one.
    pub fn username(&self) -> Option<&str> {
        self.claims().username.as_deref()
    }

    /// Their email, where `token_claims` lists it and they have one.
    pub fn email(&self) -> Option<&str> {
        self.claims().email.as_deref()
    }
}

impl Deref for FreshToken {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.0
    }
}

impl Deref for CurrentUser {
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
        let fresh = required(request).and_then(|token| {
            if token.claims().fresh {
                grant(request, token).map(Self)
            } else {
                Err(ApiError::new(
                    ErrorCode::FreshTokenRequired,
                    "Prove your password again first, at the endpoint `fresh`.",
                ))
            }
        });
        guard_outcome(request, fresh)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for CurrentUser {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        guard_outcome(request, required(request).and_then(|token| grant(request, token)).map(Self))
    }
}

/// The token of a request that a proxy asks about: it is looked at, not let in.
pub(super) fn inspect(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    required(request)
}

fn required(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    check(request)?.ok_or_else(ApiError::missing_token)
}

/// The token of this request, checked once however many guards ask.
fn check(request: &Request<'_>) -> Result<Option<AccessToken>, ApiError> {
    request.local_cache(|| check_once(request)).clone()
}

fn check_once(request: &Request<'_>) -> Result<Option<AccessToken>, ApiError> {
    let vestibule = app_state(request)?;
    let now = vestibule.clock.now();
    if let Some(token) = in_header(request, vestibule)? {
        let claims = authenticate(vestibule, token, now)?;
        return Ok(Some(AccessToken { claims, came_in_cookie: false }));
    }
    let claims = Cookies::of(request)?.access(|token| Ok(authenticate(vestibule, bounded(token)?, now)?))?;
    Ok(claims.map(|claims| AccessToken { claims, came_in_cookie: true }))
}

/// Lets in a request that has a valid access token, whatever its handler asks for; and any whose path is left open.
pub(super) fn admit(request: &Request<'_>) -> Result<(), ApiError> {
    // Without its host, which the client names: an entry with one is for a proxy, which knows.
    if app_state(request)?.exclusions.covers(None, &request.uri().to_string()) {
        return Ok(());
    }
    required(request).and_then(|token| grant(request, token)).map(drop)
}

/// Lets a token in, unless a cookie brought it and the page that sent it may not.
fn grant(request: &Request<'_>, token: AccessToken) -> Result<AccessToken, ApiError> {
    if token.came_in_cookie && !is_safe(request.method()) {
        csrf::check(request, app_state(request)?, token.claims.sid)?;
    }
    Ok(remember_granted(request, token))
}

/// The token of the access cookie, for a page. Its forms have the CSRF token in the body: who reads that checks it.
pub(super) fn in_cookie(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    let token = required(request)?;
    if token.came_in_cookie { Ok(remember_granted(request, token)) } else { Err(ApiError::missing_token()) }
}

fn remember_granted(request: &Request<'_>, token: AccessToken) -> AccessToken {
    let granted: &Granted = request.local_cache(Granted::default);
    *granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
    token
}

/// The token that a guard let in.
type Granted = Mutex<Option<AccessToken>>;

/// The token that a guard let in, if one did.
pub(super) fn granted(request: &Request<'_>) -> Option<AccessToken> {
    let granted: &Granted = request.local_cache(Granted::default);
    granted.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Makes nothing more of the token that a guard let in.
pub(super) fn forget_granted(request: &Request<'_>) {
    let granted: &Granted = request.local_cache(Granted::default);
    *granted.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Checks again what a guard let in, once the body is there: it may have been long in coming.
pub(super) fn check_again(request: &Request<'_>) -> Result<(), ApiError> {
    match granted(request) {
        Some(token) => {
            let vestibule = app_state(request)?;
            Ok(check_validity(vestibule, &token.claims, vestibule.clock.now())?)
        }
        None => Ok(()),
    }
}

/// Methods that change nothing (RFC 9110 §9.2.1).
fn is_safe(method: Method) -> bool {
    matches!(method, Method::Get | Method::Head | Method::Options)
}

/// The access token in the header, unchecked, where tokens are taken from there. It wins over the cookie.
pub(super) fn in_header<'r>(request: &'r Request<'_>, vestibule: &Vestibule) -> Result<Option<&'r str>, ApiError> {
    if vestibule.config.tokens.location.headers { bearer(request) } else { Ok(None) }
}

/// A token that is not too long to be looked at.
fn bounded(token: &str) -> Result<&str, ApiError> {
    if token.len() > jwt::MAX_BYTES {
        Err(ApiError::new(ErrorCode::MalformedRequest, "The token is over 8 KiB."))
    } else {
        Ok(token)
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1), the scheme in any case (RFC 9110 §11.1).
pub(super) fn bearer<'r>(request: &'r Request<'_>) -> Result<Option<&'r str>, ApiError> {
    let header = authorization(request)?;
    let token = header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    token.filter(|token| !token.is_empty()).map(bounded).transpose()
}

/// Scheme and credentials of the header `Authorization`.
pub(super) fn authorization<'r>(request: &'r Request<'_>) -> Result<Option<(&'r str, &'r str)>, ApiError> {
    let mut values = request.headers().get("Authorization");
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(ApiError::new(ErrorCode::MalformedRequest, "The request has more than one Authorization header."));
    }
    let scheme_and_rest = first.and_then(|value| value.trim().split_once(' '));
    Ok(scheme_and_rest.map(|(scheme, rest)| (scheme, rest.trim())))
}

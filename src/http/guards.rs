//! Request guards: a route that names one in its signature is reached only by requests that have what it stands for.
//!
//! Their fields are private, so that holding one is the proof. They read memory, never the database. Optional is a guard of
//! its own: `Option<AccessToken>` would take a forged token for none.

use std::sync::{Arc, Mutex, PoisonError};

use rocket::{
    Request,
    http::{Method, Status},
    request::{FromRequest, Outcome},
};

use super::{
    Shared, csrf,
    errors::{ApiError, Code},
};
use crate::{
    domain::{AccessClaims, Permission, SessionId, UserId, jwt},
    flows::{
        Vestibule,
        authenticate::{authenticate, still_holds},
    },
};

/// A request with an access token that holds.
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

impl FreshToken {
    /// What the token says.
    pub fn claims(&self) -> &AccessClaims {
        self.0.claims()
    }

    /// See [`AccessToken::came_in_cookie`].
    pub fn came_in_cookie(&self) -> bool {
        self.0.came_in_cookie
    }
}

/// The user whose access token the request has, as the token describes them.
#[derive(Clone, Debug)]
pub struct CurrentUser(AccessToken);

impl CurrentUser {
    /// Their id.
    pub fn id(&self) -> UserId {
        self.0.claims().sub
    }

    /// Their name, where `token_claims` lists it and they have one.
    pub fn username(&self) -> Option<&str> {
        self.0.claims().username.as_deref()
    }

    /// Their email, where `token_claims` lists it and they have one.
    pub fn email(&self) -> Option<&str> {
        self.0.claims().email.as_deref()
    }

    /// The session that they are in.
    pub fn session_id(&self) -> SessionId {
        self.0.claims().sid
    }

    /// Their roles, sorted.
    pub fn roles(&self) -> &[String] {
        &self.0.claims().roles
    }

    /// Their permissions, sorted.
    pub fn permissions(&self) -> &[Permission] {
        &self.0.claims().permissions
    }

    /// Whether they have a permission.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.0.claims().has_permission(permission)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for AccessToken {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        outcome(request, required(request).and_then(|token| grant(request, token)))
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for MaybeAccessToken {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let token = check(request).and_then(|token| token.map(|token| grant(request, token)).transpose());
        outcome(request, token.map(Self))
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
                    Code::FreshTokenRequired,
                    "Prove your password again first, at the endpoint `fresh`.",
                ))
            }
        });
        outcome(request, fresh)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for CurrentUser {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        outcome(request, required(request).and_then(|token| grant(request, token)).map(Self))
    }
}

fn required(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    check(request)?.ok_or_else(ApiError::missing_token)
}

/// The token of this request, checked once however many guards ask.
fn check(request: &Request<'_>) -> Result<Option<AccessToken>, ApiError> {
    request.local_cache(|| check_once(request)).clone()
}

fn check_once(request: &Request<'_>) -> Result<Option<AccessToken>, ApiError> {
    let vestibule = shared(request)?;
    let Some(presented) = presented(request, vestibule)? else { return Ok(None) };
    let claims = authenticate(vestibule, presented.token(), vestibule.clock.now())?;
    let came_in_cookie = matches!(presented, Presented::InCookie(_));
    Ok(Some(AccessToken { claims, came_in_cookie }))
}

/// Lets a token in, unless a cookie brought it and the page that sent it may not.
fn grant(request: &Request<'_>, token: AccessToken) -> Result<AccessToken, ApiError> {
    if token.came_in_cookie && !is_safe(request.method()) {
        csrf::check(request, shared(request)?, token.claims.sid)?;
    }
    Ok(let_in(request, token))
}

/// The token of the access cookie, for a page. Its forms have the CSRF token in the body: who reads that checks it.
pub(super) fn in_cookie(request: &Request<'_>) -> Result<AccessToken, ApiError> {
    let token = required(request)?;
    if token.came_in_cookie { Ok(let_in(request, token)) } else { Err(ApiError::missing_token()) }
}

fn let_in(request: &Request<'_>, token: AccessToken) -> AccessToken {
    let granted: &Granted = request.local_cache(Granted::default);
    *granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
    token
}

/// The token that a guard let in.
type Granted = Mutex<Option<AccessToken>>;

/// Checks again what a guard let in, once the body is there: it may have been long in coming.
pub(super) fn check_again(request: &Request<'_>) -> Result<(), ApiError> {
    let granted: &Granted = request.local_cache(Granted::default);
    match &*granted.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(token) => {
            let vestibule = shared(request)?;
            Ok(still_holds(vestibule, &token.claims, vestibule.clock.now())?)
        }
        None => Ok(()),
    }
}

/// Methods that change nothing (RFC 9110 §9.2.1).
fn is_safe(method: Method) -> bool {
    matches!(method, Method::Get | Method::Head | Method::Options)
}

/// An access token as it came.
pub(super) enum Presented<'r> {
    /// In `Authorization`, where no foreign page can put it.
    InHeader(&'r str),
    /// In a cookie, which a browser sends whoever asks.
    InCookie(&'r str),
}

impl<'r> Presented<'r> {
    pub(super) fn token(&self) -> &'r str {
        match self {
            Self::InHeader(token) | Self::InCookie(token) => token,
        }
    }
}

/// The access token of a request, unchecked. The header wins over the cookie.
pub(super) fn presented<'r>(
    request: &'r Request<'_>,
    vestibule: &Vestibule,
) -> Result<Option<Presented<'r>>, ApiError> {
    let location = &vestibule.config.tokens.location;
    let in_header = if location.headers { bearer(request)? } else { None };
    let presented = in_header.map(Presented::InHeader).or_else(|| {
        let cookie = request.cookies().get(&vestibule.config.cookies.access_name).filter(|_| location.cookies);
        cookie.map(|cookie| Presented::InCookie(cookie.value()))
    });
    match presented {
        Some(presented) if presented.token().len() > jwt::MAX_BYTES => {
            Err(ApiError::new(Code::MalformedRequest, "The token is over 8 KiB."))
        }
        presented => Ok(presented.filter(|presented| !presented.token().is_empty())),
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1), the scheme in any case (RFC 9110 §11.1).
fn bearer<'r>(request: &'r Request<'_>) -> Result<Option<&'r str>, ApiError> {
    let mut values = request.headers().get("Authorization");
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(ApiError::new(Code::MalformedRequest, "The request has more than one Authorization header."));
    }
    let scheme_and_token = first.and_then(|value| value.trim().split_once(' '));
    Ok(scheme_and_token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim()))
}

pub(super) fn shared<'r>(request: &'r Request<'_>) -> Result<&'r Shared, ApiError> {
    let missing = || ApiError::new(Code::InternalError, "Vestibule is not part of this Rocket application.");
    request.rocket().state::<Shared>().ok_or_else(missing)
}

fn outcome<T>(request: &Request<'_>, result: Result<T, ApiError>) -> Outcome<T, ApiError> {
    match result {
        Ok(guard) => Outcome::Success(guard),
        Err(error) => {
            let status = error.status();
            keep(request, error.clone());
            Outcome::Error((status, error))
        }
    }
}

type Stash = Mutex<Option<ApiError>>;

/// Keeps an error for the catcher, which Rocket tells nothing but the status.
fn keep(request: &Request<'_>, error: ApiError) {
    let stash: &Stash = request.local_cache(Stash::default);
    *stash.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
}

/// Fails a data guard with an error.
pub(super) fn stash<'r, T>(request: &'r Request<'_>, error: ApiError) -> rocket::data::Outcome<'r, T>
where
    T: rocket::data::FromData<'r, Error = ApiError>,
{
    let status: Status = error.status();
    keep(request, error.clone());
    rocket::data::Outcome::Error((status, error))
}

/// The error that a guard kept.
pub(super) fn stashed(request: &Request<'_>) -> Option<ApiError> {
    let stash: &Stash = request.local_cache(Stash::default);
    stash.lock().unwrap_or_else(PoisonError::into_inner).take()
}

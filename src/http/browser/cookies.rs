//! Our cookies: two tokens that script can't read, a CSRF token that it must, the device's secret, the secret of the forms before a
//! sign-in, and a count of redirects. [`Cookies`] reads those of the request and sets those of its answer.

use std::collections::BTreeSet;

use rocket::{
    Request,
    http::{Cookie, SameSite},
    request::{FromRequest, Outcome},
    time::Duration,
};

use super::{
    cookie_header::{self, is_of_host},
    pending_cookies,
};
use crate::{
    config,
    domain::{AccessClaims, SessionId, UnixTime, device::DeviceSecret, refresh_token::RefreshClaims},
    flows::{
        Tokens, Vestibule, sessions::logout::PresentedToken, steps::authenticate,
        users::reauthenticate::FreshAccessToken,
    },
    http::{
        app_state::app_state,
        errors::{ApiError, ErrorCode, guard_outcome},
    },
};

/// How long a browser keeps the device's secret: the most that browsers grant.
const DEVICE_COOKIE_DAYS: i64 = 400;

/// The cookies of a request and of its answer.
#[derive(Clone, Copy)]
pub struct Cookies<'r> {
    request: &'r Request<'r>,
    vestibule: &'r Vestibule,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Cookies<'r> {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        guard_outcome(request, Self::of(request))
    }
}

impl<'r> Cookies<'r> {
    /// The cookies of a request.
    ///
    /// # Errors
    /// [`ErrorCode::InternalError`] in an application that we are no part of.
    pub fn of(request: &'r Request<'_>) -> Result<Self, ApiError> {
        Ok(Self { request, vestibule: app_state(request)? })
    }

    fn settings(self) -> &'r config::Cookies {
        &self.vestibule.config.cookies
    }

    fn values(self, name: &str) -> Vec<&'r str> {
        cookie_header::values(self.request.headers().get("Cookie").map(str::as_bytes), name)
    }

    /// The values of a token's cookie, where tokens are taken from cookies.
    fn tokens(self, name: &str) -> Vec<&'r str> {
        if self.vestibule.config.tokens.location.cookies { self.values(name) } else { Vec::new() }
    }
}

/// What is read.
impl<'r> Cookies<'r> {
    /// Whether the request brings a cookie that could authenticate it.
    pub fn have_token(self) -> bool {
        let settings = self.settings();
        !(self.tokens(&settings.access_name).is_empty() && self.tokens(&settings.refresh_name).is_empty())
    }

    /// What `read` makes of the access cookie. None where there is no such cookie, or where it can't be told which one counts.
    ///
    /// # Errors
    /// That of `read`, where it takes none of them.
    pub fn access<C>(self, read: impl Fn(&'r str) -> Result<C, ApiError>) -> Result<Option<C>, ApiError>
    where
        C: AsRef<AccessClaims>,
    {
        let read = |token| read(token).map(|claims| (claims.as_ref().sid, claims.as_ref().exp.seconds(), claims));
        self.choose(self.tokens(&self.settings().access_name), read)
    }

    /// The refresh cookie with what it says, once its signature and time hold at `now`. None as for [`Cookies::access`].
    ///
    /// # Errors
    /// [`ErrorCode::InvalidToken`], [`ErrorCode::TokenExpired`], [`ErrorCode::WrongTokenType`].
    pub fn refresh(self, now: UnixTime) -> Result<Option<(&'r str, RefreshClaims)>, ApiError> {
        self.refresh_by(|token| Ok(self.vestibule.refresh_tokens.verify(token, now)?))
    }

    /// Returns the token whose session is to end, which may have expired: the refresh cookie, unless the CSRF cookie belongs to
    /// the session of the access cookie alone. `None` as for [`Cookies::access`].
    ///
    /// # Errors
    /// [`ErrorCode::InvalidToken`], [`ErrorCode::WrongTokenType`].
    pub fn session(self) -> Result<Option<SessionToken<'r>>, ApiError> {
        let refresh = self.refresh_by(|token| Ok(self.vestibule.refresh_tokens.verify_signature(token)?));
        let access =
            self.access(|token| Ok(VerifiedAccess(token, authenticate::verify_signature(self.vestibule, token)?)));
        match (refresh, access) {
            // A stale or foreign refresh cookie keeps nobody from signing out.
            (Ok(Some((_, claims))), Ok(Some(VerifiedAccess(token, own))))
                if !self.has_csrf_token_of(claims.sid) && self.has_csrf_token_of(own.sid) =>
            {
                Ok(Some(SessionToken::Access(token)))
            }
            (Ok(Some((token, _))), _) => Ok(Some(SessionToken::Refresh(token))),
            (_, Ok(Some(VerifiedAccess(token, _)))) => Ok(Some(SessionToken::Access(token))),
            (Err(error), _) | (Ok(None), Err(error)) => Err(error),
            (Ok(None), Ok(None)) => Ok(None),
        }
    }

    fn refresh_by(
        self,
        verify: impl Fn(&'r str) -> Result<RefreshClaims, ApiError>,
    ) -> Result<Option<(&'r str, RefreshClaims)>, ApiError> {
        let read = |token| verify(token).map(|claims| (claims.sid, claims.generation, (token, claims)));
        self.choose(self.tokens(&self.settings().refresh_name), read)
    }

    /// Chooses among several cookies of one name. Only values that `read` accepts count. Of two tokens of one session the newer
    /// one is chosen. Of two sessions the one is chosen that the CSRF cookie belongs to: another host can't set that cookie,
    /// unless `cookie_domain` allows it. `read` returns the session, a number that grows with newer tokens, and the result.
    fn choose<C>(
        self,
        values: Vec<&'r str>,
        read: impl Fn(&'r str) -> Result<(SessionId, i64, C), ApiError>,
    ) -> Result<Option<C>, ApiError> {
        let (mut taken, mut refused) = (Vec::new(), None::<ApiError>);
        for value in values {
            match read(value) {
                Ok(token) => taken.push(token),
                // "Expired" tells the client more than "invalid".
                Err(error) if refused.as_ref().is_none_or(|known| known.code() == ErrorCode::InvalidToken) => {
                    refused = Some(error);
                }
                Err(_) => {}
            }
        }
        let sessions: BTreeSet<SessionId> = taken.iter().map(|(session, ..)| *session).collect();
        if sessions.len() > 1 {
            taken.retain(|(session, ..)| self.has_csrf_token_of(*session));
            if sessions.iter().filter(|session| self.has_csrf_token_of(**session)).count() > 1 {
                return Ok(None);
            }
        } else if taken.is_empty() {
            return refused.map_or(Ok(None), Err);
        }
        Ok(taken.into_iter().max_by_key(|(_, age, _)| *age).map(|(.., token)| token))
    }

    /// Whether the browser has the CSRF cookie of a session, which came with its tokens.
    pub fn has_csrf_token_of(self, session: SessionId) -> bool {
        self.values(&self.settings().csrf_name).into_iter().any(|given| self.vestibule.is_csrf_token(session, given))
    }

    /// The secrets of this device: one, unless another program of this host has a cookie of the same name.
    pub fn device_ids(self) -> Vec<DeviceSecret> {
        let texts = self.values(&host_name(self.settings(), DEVICE));
        texts.into_iter().filter_map(|text| DeviceSecret::parse(text).ok()).collect()
    }

    /// The secrets of this browser's forms: one, unless another program of this host has a cookie of the same name.
    pub fn form_secrets(self) -> Vec<&'r str> {
        self.values(&host_name(self.settings(), FORM))
    }

    /// How often this browser was redirected, as [`Cookies::set_hops`] wrote it: one value, unless another program of this host
    /// has a cookie of the same name.
    pub fn redirect_counts(self) -> Vec<&'r str> {
        self.values(&host_name(self.settings(), REDIRECTS))
    }
}

/// A token of a cookie, enough to end its session.
#[derive(Debug)]
pub enum SessionToken<'r> {
    /// Of the refresh cookie.
    Refresh(&'r str),
    /// Of the access cookie.
    Access(&'r str),
}

impl<'r> SessionToken<'r> {
    /// What it is shown as to end its session.
    pub fn presented(&self) -> PresentedToken<'r> {
        match *self {
            Self::Refresh(token) => PresentedToken::Refresh(token),
            Self::Access(token) => PresentedToken::Access(token),
        }
    }
}

/// An access token, and what it says.
struct VerifiedAccess<'r>(&'r str, std::sync::Arc<AccessClaims>);

impl AsRef<AccessClaims> for VerifiedAccess<'_> {
    fn as_ref(&self) -> &AccessClaims {
        &self.1
    }
}

/// What is set.
impl Cookies<'_> {
    /// Sets the cookies of a session.
    pub fn set(self, tokens: &Tokens) {
        let settings = self.settings();
        let session = Duration::seconds(tokens.refresh_expires_in);
        self.set_access(tokens.access_token.clone(), tokens.refresh_expires_in);
        let path = refresh_path(self.vestibule);
        pending_cookies::put(
            self.request,
            self.cookie(&settings.refresh_name, tokens.refresh_token.clone(), path, session),
        );
        pending_cookies::put(self.request, self.cookie(&settings.csrf_name, tokens.csrf_token.clone(), ROOT, session));
        if let Some(device) = &tokens.device_id {
            let days = Duration::days(DEVICE_COOKIE_DAYS);
            pending_cookies::put(self.request, self.of_host(DEVICE, device.clone(), same_site(settings), Some(days)));
        }
    }

    /// Replaces the access cookie by a fresh one.
    pub fn set_fresh(self, fresh: &FreshAccessToken) {
        self.set_access(fresh.access_token.clone(), fresh.refresh_expires_in);
    }

    /// Replaces the access cookie alone. It is kept as long as the session's refresh token lasts: `seconds`.
    pub fn set_access(self, token: String, seconds: i64) {
        pending_cookies::put(
            self.request,
            self.cookie(&self.settings().access_name, token, ROOT, Duration::seconds(seconds)),
        );
    }

    /// Whether the answer sets or removes the access cookie.
    pub fn sets_access(self) -> bool {
        let name = &self.settings().access_name;
        pending_cookies::of(self.request).iter().any(|cookie| cookie.name() == name)
    }

    /// Removes the cookies of a session. The device stays known, for the next login on it.
    pub fn clear(self) {
        let settings = self.settings();
        let gone = [
            (&settings.access_name, ROOT),
            (&settings.refresh_name, refresh_path(self.vestibule)),
            (&settings.csrf_name, ROOT),
        ];
        for (name, path) in gone {
            pending_cookies::put(self.request, self.cookie(name, String::new(), path, Duration::ZERO));
        }
    }

    /// Removes the device's secret, of an account that is gone.
    pub fn clear_device(self) {
        pending_cookies::put(
            self.request,
            self.of_host(DEVICE, String::new(), same_site(self.settings()), Some(Duration::ZERO)),
        );
    }

    /// Sets the secret of this browser's forms.
    pub fn set_form_secret(self, secret: String) {
        pending_cookies::put(self.request, self.of_host(FORM, secret, SameSite::Lax, None));
    }

    /// Writes how often the browser was redirected, for a few seconds.
    pub fn set_redirect_count(self, value: String, seconds: i64) {
        pending_cookies::put(
            self.request,
            self.of_host(REDIRECTS, value, SameSite::Lax, Some(Duration::seconds(seconds))),
        );
    }

    /// A cookie of a session, with the attributes that are configured.
    fn cookie(self, name: &str, value: String, path: &str, max_age: Duration) -> Cookie<'static> {
        let settings = self.settings();
        let mut cookie = Cookie::build((name.to_owned(), value))
            .path(path.to_owned())
            .http_only(name != settings.csrf_name)
            .secure(settings.secure)
            .same_site(same_site(settings))
            .max_age(max_age);
        if let Some(domain) = &settings.domain {
            cookie = cookie.domain(domain.clone());
        }
        cookie.build()
    }

    /// A cookie that this host alone gets back; until the browser is closed, where no age is given.
    fn of_host(self, plain: &str, value: String, same_site: SameSite, max_age: Option<Duration>) -> Cookie<'static> {
        let settings = self.settings();
        let mut cookie = Cookie::build((host_name(settings, plain), value))
            .path(ROOT)
            .http_only(true)
            .secure(settings.secure)
            .same_site(same_site)
            .build();
        cookie.set_max_age(max_age);
        cookie
    }

    /// Returns the other places where a browser may keep a cookie of this name, each as an expired cookie that removes it: the
    /// paths `/` and `base_path`, each with and without `cookie_domain`. A cookie of any other path or domain can't be removed
    /// here: the browser sends it beside ours.
    pub(super) fn other_places(self, cookie: &Cookie<'static>) -> Vec<Cookie<'static>> {
        if is_of_host(cookie.name()) {
            // It has one place only.
            return Vec::new();
        }
        let paths = BTreeSet::from([ROOT, refresh_path(self.vestibule)]);
        let domains = BTreeSet::from([None, self.settings().domain.as_deref()]);
        let places = paths.iter().flat_map(|path| domains.iter().map(move |domain| (*path, *domain)));
        let others = places.filter(|place| *place != (cookie.path().unwrap_or(ROOT), cookie.domain()));
        others
            .map(|(path, domain)| {
                let mut removal = cookie.clone();
                removal.set_value("");
                removal.set_path(path.to_owned());
                removal.set_max_age(Duration::ZERO);
                match domain {
                    Some(domain) => removal.set_domain(domain.to_owned()),
                    None => removal.unset_domain(),
                }
                removal
            })
            .collect()
    }
}

/// The path of the cookies that every page gets.
const ROOT: &str = "/";

/// Plain name of the cookie that holds the device's secret.
const DEVICE: &str = "device_id";

/// Plain name of the cookie that the forms before a sign-in are tied to.
const FORM: &str = "vestibule_form";

/// Plain name of the cookie that counts redirects.
const REDIRECTS: &str = "vestibule_hops";

/// The configured `SameSite` attribute.
fn same_site(cookies: &config::Cookies) -> SameSite {
    match cookies.samesite {
        config::SameSite::Strict => SameSite::Strict,
        config::SameSite::Lax => SameSite::Lax,
        config::SameSite::None => SameSite::None,
    }
}

/// The name of a cookie that this host alone gets back, whatever `cookie_domain` says.
fn host_name(cookies: &config::Cookies, plain: &str) -> String {
    if cookies.secure { format!("__Host-{plain}") } else { plain.to_owned() }
}

/// The refresh cookie goes to the session endpoints alone.
fn refresh_path(vestibule: &Vestibule) -> &str {
    match vestibule.config.web.base_path.as_str() {
        "" => ROOT,
        path => path,
    }
}

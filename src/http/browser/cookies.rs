//! The cookies of the server: the access token, the refresh token, the CSRF token, the secret of the device, the secret of the
//! forms before a sign-in, and a count of redirects. Scripts can read only the CSRF token, because they must send it.
//!
//! [`Cookies`] reads the cookies of a request and sets the cookies of its response.

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

/// Days for which a browser keeps the secret of the device. This is the maximum that browsers allow.
const DEVICE_COOKIE_DAYS: i64 = 400;

/// The cookies of a request and of its response.
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
    /// Returns the cookies of a request.
    ///
    /// # Errors
    /// [`ErrorCode::InternalError`] if Vestibule is not attached to the application.
    pub fn of(request: &'r Request<'_>) -> Result<Self, ApiError> {
        Ok(Self { request, vestibule: app_state(request)? })
    }

    fn settings(self) -> &'r config::Cookies {
        &self.vestibule.config.cookies
    }

    /// Returns the values of the cookie `name`, as [`cookie_header::values`] does.
    fn values(self, name: &str) -> Vec<&'r str> {
        cookie_header::values(self.request.headers().get("Cookie").map(str::as_bytes), name)
    }

    /// Returns the values of a token's cookie. The list is empty if the setting `token_location` does not contain `cookies`.
    fn tokens(self, name: &str) -> Vec<&'r str> {
        if self.vestibule.config.tokens.location.cookies { self.values(name) } else { Vec::new() }
    }
}

/// The cookies of the request.
impl<'r> Cookies<'r> {
    /// Returns whether the request has an access cookie or a refresh cookie. They are not verified.
    pub fn has_token(self) -> bool {
        let settings = self.settings();
        !(self.tokens(&settings.access_name).is_empty() && self.tokens(&settings.refresh_name).is_empty())
    }

    /// Returns the result of `read` for the access cookie. `None` if there is no such cookie, or if cookies of several sessions
    /// are valid and the CSRF cookie does not select one of the sessions.
    ///
    /// # Errors
    /// The error of `read`, if there are access cookies and `read` accepts none of them.
    pub fn access<C>(self, read: impl Fn(&'r str) -> Result<C, ApiError>) -> Result<Option<C>, ApiError>
    where
        C: AsRef<AccessClaims>,
    {
        let read = |token| read(token).map(|claims| (claims.as_ref().sid, claims.as_ref().exp.seconds(), claims));
        self.choose(self.tokens(&self.settings().access_name), read)
    }

    /// Returns the refresh cookie and its claims, if its signature is valid and it has not expired at `now`. `None` as for
    /// [`Cookies::access`]. The session of the token may have ended.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidToken`], [`ErrorCode::TokenExpired`] or [`ErrorCode::WrongTokenType`], if there are refresh cookies
    /// and none of them is valid.
    pub fn refresh(self, now: UnixTime) -> Result<Option<(&'r str, RefreshClaims)>, ApiError> {
        self.refresh_by(|token| Ok(self.vestibule.refresh_tokens.verify(token, now)?))
    }

    /// Returns the token whose session is to end; it may have expired. This is the refresh cookie. It is the access cookie if
    /// there is no valid refresh cookie, or if the CSRF cookie belongs only to the session of the access cookie. `None` as for
    /// [`Cookies::access`].
    ///
    /// # Errors
    /// [`ErrorCode::InvalidToken`] or [`ErrorCode::WrongTokenType`], if there are cookies and none has a valid signature.
    pub fn session(self) -> Result<Option<SessionToken<'r>>, ApiError> {
        let refresh = self.refresh_by(|token| Ok(self.vestibule.refresh_tokens.verify_signature(token)?));
        let access =
            self.access(|token| Ok(VerifiedAccess(token, authenticate::verify_signature(self.vestibule, token)?)));
        match (refresh, access) {
            // A stale or planted refresh cookie must not prevent the user from signing out.
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

    /// Returns the chosen refresh cookie that `verify` accepts, and its claims.
    fn refresh_by(
        self,
        verify: impl Fn(&'r str) -> Result<RefreshClaims, ApiError>,
    ) -> Result<Option<(&'r str, RefreshClaims)>, ApiError> {
        let read = |token| verify(token).map(|claims| (claims.sid, claims.generation, (token, claims)));
        self.choose(self.tokens(&self.settings().refresh_name), read)
    }

    /// Chooses one of several cookies of one name that `read` accepts. `read` returns the session, a number that is greater for
    /// a newer token, and the result. Of several tokens of one session, the newest is chosen. If the tokens belong to several
    /// sessions, the CSRF cookie selects the session: another host can't set it, unless `cookie_domain` allows this. `None` if
    /// there is no cookie, or if the CSRF cookie belongs to none or to several of the sessions.
    ///
    /// # Errors
    /// An error of `read`, if there are cookies and `read` accepts none of them.
    fn choose<C>(
        self,
        values: Vec<&'r str>,
        read: impl Fn(&'r str) -> Result<(SessionId, i64, C), ApiError>,
    ) -> Result<Option<C>, ApiError> {
        let (mut accepted, mut refused) = (Vec::new(), None::<ApiError>);
        for value in values {
            match read(value) {
                Ok(token) => accepted.push(token),
                // Of several errors, `InvalidToken` is the least useful to the client, so any other error replaces it.
                Err(error) if refused.as_ref().is_none_or(|known| known.code() == ErrorCode::InvalidToken) => {
                    refused = Some(error);
                }
                Err(_) => {}
            }
        }
        let sessions: BTreeSet<SessionId> = accepted.iter().map(|(session, ..)| *session).collect();
        if sessions.len() > 1 {
            accepted.retain(|(session, ..)| self.has_csrf_token_of(*session));
            if sessions.iter().filter(|session| self.has_csrf_token_of(**session)).count() > 1 {
                return Ok(None);
            }
        } else if accepted.is_empty() {
            return refused.map_or(Ok(None), Err);
        }
        Ok(accepted.into_iter().max_by_key(|(_, age, _)| *age).map(|(.., token)| token))
    }

    /// Returns whether the request has the CSRF cookie of a session. It is set together with the session's tokens.
    pub fn has_csrf_token_of(self, session: SessionId) -> bool {
        self.values(&self.settings().csrf_name).into_iter().any(|value| self.vestibule.is_csrf_token(session, value))
    }

    /// Returns the secret of this device. Malformed values are left out. There are several values only if another program of
    /// this host has set a cookie of the same name.
    pub fn device_ids(self) -> Vec<DeviceSecret> {
        let texts = self.values(&host_name(self.settings(), DEVICE));
        texts.into_iter().filter_map(|text| DeviceSecret::parse(text).ok()).collect()
    }

    /// Returns the secret of this browser's forms. The list can have several values, as for [`Cookies::device_ids`].
    pub fn form_secrets(self) -> Vec<&'r str> {
        self.values(&host_name(self.settings(), FORM))
    }

    /// Returns the count of redirects, as [`Cookies::set_redirect_count`] stored it. The list can have several values, as for
    /// [`Cookies::device_ids`].
    pub fn redirect_counts(self) -> Vec<&'r str> {
        self.values(&host_name(self.settings(), REDIRECTS))
    }
}

/// A token from a cookie. The session of the token can be ended with it.
#[derive(Debug)]
pub enum SessionToken<'r> {
    /// The token of the refresh cookie.
    Refresh(&'r str),
    /// The token of the access cookie.
    Access(&'r str),
}

impl<'r> SessionToken<'r> {
    /// Returns the token in the form that the logout flow requires.
    pub fn presented(&self) -> PresentedToken<'r> {
        match *self {
            Self::Refresh(token) => PresentedToken::Refresh(token),
            Self::Access(token) => PresentedToken::Access(token),
        }
    }
}

/// An access token whose signature was verified, and its claims.
struct VerifiedAccess<'r>(&'r str, std::sync::Arc<AccessClaims>);

impl AsRef<AccessClaims> for VerifiedAccess<'_> {
    fn as_ref(&self) -> &AccessClaims {
        &self.1
    }
}

/// The cookies of the response.
impl Cookies<'_> {
    /// Sets the cookies of a session: its tokens, the CSRF token, and the secret of the device if the server knows the device.
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
            pending_cookies::put(
                self.request,
                self.host_cookie(DEVICE, device.clone(), same_site(settings), Some(days)),
            );
        }
    }

    /// Replaces the access cookie by a fresh access token.
    pub fn set_fresh(self, fresh: &FreshAccessToken) {
        self.set_access(fresh.access_token.clone(), fresh.refresh_expires_in);
    }

    /// Replaces only the access cookie. The browser keeps it for `seconds`: until the session's refresh token expires.
    pub fn set_access(self, token: String, seconds: i64) {
        pending_cookies::put(
            self.request,
            self.cookie(&self.settings().access_name, token, ROOT, Duration::seconds(seconds)),
        );
    }

    /// Returns whether the response sets or removes the access cookie.
    pub fn sets_access(self) -> bool {
        let name = &self.settings().access_name;
        pending_cookies::of(self.request).iter().any(|cookie| *cookie.name() == **name)
    }

    /// Removes the cookies of a session. The secret of the device stays, so that the next login on the device recognises it.
    pub fn clear(self) {
        let settings = self.settings();
        // A browser removes a cookie only if name, path and domain are those with which it was set.
        let gone = [
            (&settings.access_name, ROOT),
            (&settings.refresh_name, refresh_path(self.vestibule)),
            (&settings.csrf_name, ROOT),
        ];
        for (name, path) in gone {
            pending_cookies::put(self.request, self.cookie(name, String::new(), path, Duration::ZERO));
        }
    }

    /// Removes the secret of the device. It is for a deleted account.
    pub fn clear_device(self) {
        pending_cookies::put(
            self.request,
            self.host_cookie(DEVICE, String::new(), same_site(self.settings()), Some(Duration::ZERO)),
        );
    }

    /// Sets the secret of this browser's forms. The browser keeps it until it is closed.
    pub fn set_form_secret(self, secret: String) {
        pending_cookies::put(self.request, self.host_cookie(FORM, secret, SameSite::Lax, None));
    }

    /// Sets the count of redirects. The browser keeps it for `seconds`.
    pub fn set_redirect_count(self, value: String, seconds: i64) {
        pending_cookies::put(
            self.request,
            self.host_cookie(REDIRECTS, value, SameSite::Lax, Some(Duration::seconds(seconds))),
        );
    }

    /// Returns a cookie of a session, with the configured attributes. Only the CSRF cookie can be read by scripts. A `max_age`
    /// of zero removes the cookie.
    fn cookie(self, name: &str, value: String, path: &str, max_age: Duration) -> Cookie<'static> {
        let settings = self.settings();
        let mut cookie = Cookie::build((name.to_owned(), value))
            .path(path.to_owned())
            .http_only(*name != *settings.csrf_name)
            .secure(settings.secure)
            .same_site(same_site(settings))
            .max_age(max_age);
        if let Some(domain) = &settings.domain {
            cookie = cookie.domain(domain.clone());
        }
        cookie.build()
    }

    /// Returns a cookie that the browser sends only to this host. Without `max_age`, the browser keeps the cookie until the
    /// browser is closed.
    fn host_cookie(
        self,
        plain: &str,
        value: String,
        same_site: SameSite,
        max_age: Option<Duration>,
    ) -> Cookie<'static> {
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

    /// Returns expired cookies that remove `cookie` from the other places where a browser may keep a cookie of its name: the
    /// paths `/` and `base_path`, each with and without `cookie_domain`. A cookie of any other path or domain can't be removed
    /// here, so the browser sends it too.
    pub(super) fn other_places(self, cookie: &Cookie<'static>) -> Vec<Cookie<'static>> {
        if is_of_host(cookie.name()) {
            // A `__Host-` cookie can be in one place only: its path is `/`, and it has no domain.
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

/// The path of the cookies that the browser sends with every request.
const ROOT: &str = "/";

/// The name of the cookie with the secret of the device, without the prefix `__Host-`.
const DEVICE: &str = "device_id";

/// The name of the cookie that binds the forms before a sign-in to the browser, without the prefix `__Host-`.
const FORM: &str = "vestibule_form";

/// The name of the cookie that counts redirects, without the prefix `__Host-`.
const REDIRECTS: &str = "vestibule_hops";

/// Returns the configured attribute `SameSite`.
fn same_site(cookies: &config::Cookies) -> SameSite {
    match cookies.samesite {
        config::SameSite::Strict => SameSite::Strict,
        config::SameSite::Lax => SameSite::Lax,
        config::SameSite::None => SameSite::None,
    }
}

/// Returns the name of a cookie that the browser sends only to this host, whatever `cookie_domain` is. The prefix requires the
/// attribute `Secure`, so a server without `cookie_secure` omits it.
fn host_name(cookies: &config::Cookies, plain: &str) -> String {
    if cookies.secure { format!("__Host-{plain}") } else { plain.to_owned() }
}

/// Returns the path of the refresh cookie: `base_path`, or `/` if that is empty. The browser sends the cookie only to this path
/// and the paths below it.
fn refresh_path(vestibule: &Vestibule) -> &str {
    match vestibule.config.web.base_path.as_str() {
        "" => ROOT,
        path => path,
    }
}

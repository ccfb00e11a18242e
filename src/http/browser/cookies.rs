//! The cookies of the server: the access token, the refresh token, the CSRF token, the secret of the device, the secret of the
//! forms before a sign-in, a count of redirects, the reason of an ended session, and the times of visits. Scripts can read only
//! the CSRF token, because they must send it.
//!
//! [`Cookies`] reads the cookies of a request and sets the cookies of its response.

use std::collections::BTreeSet;

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{
    cookie_header,
    cookie_names::{DEVICE, ENDED, FORM, REDIRECTS, VISIT, host_name},
};
use crate::{
    config,
    domain::{AccessClaims, SessionId, UnixTime, device::DeviceSecret, refresh_token::RefreshClaims},
    flows::{Vestibule, sessions::logout::PresentedToken, steps::authenticate},
    http::{
        app_state::app_state,
        errors::{ApiError, ErrorCode, guard_outcome},
        request::log_entry::LogEntry,
    },
};

/// The cookies of a request and of its response.
#[derive(Clone, Copy)]
pub struct Cookies<'r> {
    pub(super) request: &'r Request<'r>,
    pub(super) vestibule: &'r Vestibule,
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

    pub(super) fn settings(self) -> &'r config::Cookies {
        &self.vestibule.config.cookies
    }

    /// Returns the entry of the request in the access log.
    pub fn log_entry(self) -> &'r LogEntry {
        LogEntry::of(self.request)
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
    /// Returns the access cookies and the refresh cookies, each with the kind of its token. They are not verified.
    pub fn presented_tokens(self) -> impl Iterator<Item = (&'static str, &'r str)> {
        let settings = self.settings();
        let of_kind = |kind, name: &str| self.tokens(name).into_iter().map(move |token| (kind, token));
        of_kind("access cookie", &settings.access_name).chain(of_kind("refresh cookie", &settings.refresh_name))
    }

    /// Returns whether the request has an access cookie or a refresh cookie. They are not verified.
    pub fn has_token(self) -> bool {
        let settings = self.settings();
        !(self.tokens(&settings.access_name).is_empty() && self.tokens(&settings.refresh_name).is_empty())
    }

    /// Returns the result of `read` for the access cookie. `None` if there is no such cookie, or if cookies of several sessions
    /// are valid and the CSRF cookie does not select one of the sessions. With `cookie_domain`, another host of the domain can
    /// set an access cookie. So it counts only beside the CSRF cookie of its session, which that host can't set.
    ///
    /// # Errors
    /// The error of `read`, if there are access cookies and `read` accepts none of them.
    pub fn access<C>(self, read: impl Fn(&'r str) -> Result<C, ApiError>) -> Result<Option<C>, ApiError>
    where
        C: AsRef<AccessClaims>,
    {
        let is_shared = self.settings().domain.is_some();
        let claims = self.access_of_any_host(read)?;
        Ok(claims.filter(|claims| !is_shared || self.has_csrf_token_of(claims.as_ref().sid)))
    }

    /// Returns the result of `read` for the access cookie as [`Cookies::access`] does, but also without the CSRF cookie. It is
    /// for a proxy's question about a request to another host, which never has the CSRF cookie of this host.
    ///
    /// # Errors
    /// As [`Cookies::access`].
    pub fn access_of_any_host<C>(self, read: impl Fn(&'r str) -> Result<C, ApiError>) -> Result<Option<C>, ApiError>
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
    /// sessions, the CSRF cookie selects the session: another host can't set it. `None` if
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

    /// Returns the values of the CSRF cookie. They are not verified.
    pub fn csrf_tokens(self) -> Vec<&'r str> {
        self.values(&self.settings().csrf_name)
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

    /// Returns what [`Cookies::set_visit`] stored. The list can have several values, as for [`Cookies::device_ids`].
    pub fn visits(self) -> Vec<&'r str> {
        self.values(&host_name(self.settings(), VISIT))
    }

    /// Returns the reason that [`Cookies::set_ended`] stored. The list can have several values, as for [`Cookies::device_ids`].
    pub fn ended(self) -> Vec<&'r str> {
        self.values(&host_name(self.settings(), ENDED))
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
            Self::Access(token) => PresentedToken::AccessCookie(token),
        }
    }

    /// Returns whether this is an access token for another service, which may do nothing at this server.
    pub fn is_for_another_service(&self, vestibule: &Vestibule) -> bool {
        match *self {
            Self::Refresh(_) => false,
            Self::Access(token) => authenticate::verify_signature(vestibule, token)
                .is_ok_and(|claims| claims.aud != *vestibule.config.tokens.audience),
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

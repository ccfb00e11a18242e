//! CSRF checks. They refuse a request that a foreign page has caused and that a cookie would authenticate.

use std::convert::Infallible;

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{cookies::Cookies, origin::is_own_or_allowed};
use crate::{
    domain::SessionId,
    flows::Vestibule,
    http::{
        app_state::app_state,
        errors::{ApiError, ErrorCode, guard_outcome},
        request::caller,
    },
};

/// Refuses a request that comes from a foreign origin, or whose CSRF header does not contain the CSRF token of the session. The
/// error is [`ErrorCode::CsrfFailed`].
pub fn check(request: &Request<'_>, vestibule: &Vestibule, session: SessionId) -> Result<(), ApiError> {
    check_headers(request, vestibule)?;
    let header = &*vestibule.config.cookies.csrf_header;
    let presented = request.headers().get_one(header).unwrap_or_default();
    if vestibule.is_csrf_token(session, presented) {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::CsrfFailed, format!("Send the value of the CSRF cookie in the header {header}.")))
    }
}

/// Checks the form of a page like [`check`]. The form has the CSRF token in a hidden field instead of the header. `presented`
/// is the value of that field.
pub fn check_form(request: &Request<'_>, session: SessionId, presented: &str) -> Result<(), ApiError> {
    let vestibule = app_state(request)?;
    check_headers(request, vestibule)?;
    if vestibule.is_csrf_token(session, presented) {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::CsrfFailed, "The form does not have the CSRF token of this session."))
    }
}

/// Refuses a request whose `Origin` is foreign. Without `Origin`, refuses a request whose `Sec-Fetch-Site` is neither
/// `same-origin` nor `none`. A request with neither header passes, because not every client sends them.
fn check_headers(request: &Request<'_>, vestibule: &Vestibule) -> Result<(), ApiError> {
    let headers = request.headers();
    let is_own = |origin: &str| is_own_or_allowed(vestibule, origin) || is_own_origin(request, vestibule, origin);
    // `same-site` is not enough: a browser sends the cookies of this server also with requests from pages of other hosts of the
    // site.
    let is_foreign = if headers.contains("Origin") {
        !headers.get("Origin").all(is_own)
    } else {
        headers.get("Sec-Fetch-Site").any(|site| !matches!(site, "same-origin" | "none"))
    };
    if is_foreign {
        return Err(ApiError::new(ErrorCode::CsrfFailed, "The request comes from an origin that is not allowed."));
    }
    Ok(())
}

/// Returns whether `origin` is the scheme, host and port of this server (RFC 6454 §5), as the browser addressed it. A foreign
/// page can choose none of them. The header `Host` contains only host and port; [`accepts_scheme`] checks the scheme. `false`
/// if the request has no `Host`.
fn is_own_origin(request: &Request<'_>, vestibule: &Vestibule, origin: &str) -> bool {
    let Some((scheme, _)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let Some(host) = request.headers().get_one("Host").filter(|host| !host.is_empty()) else { return false };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    accepts_scheme(scheme, request, vestibule) && origin == format!("{scheme}://{host}")
}

/// Returns whether a page may reach this server by `scheme`. The scheme of `public_url` is accepted. If `public_url` has http
/// (the default), https is accepted too when a trusted proxy or the browser states https. If `public_url` has https, http is
/// refused: an attacker on the network can serve an http page under the server's host name.
fn accepts_scheme(scheme: &str, request: &Request<'_>, vestibule: &Vestibule) -> bool {
    let is_public = vestibule.config.web.public_url.scheme() == scheme;
    let of_proxy = || caller::peer_is_trusted_proxy(request) && request.headers().get("X-Forwarded-Proto").eq([scheme]);
    // No page can set `Sec-Fetch-Site`, so the browser itself states that the origin is this server's.
    let of_browser = || request.headers().get("Sec-Fetch-Site").eq(["same-origin"]);
    is_public || (scheme == "https" && (of_proxy() || of_browser()))
}

/// A request whose origin the handler checks later, with [`check_origin`](Self::check_origin) or [`check`](Self::check). It is
/// for handlers that learn only from the body whether a cookie authenticates the request. The guard itself refuses nothing.
pub struct RequestOrigin<'r>(&'r Request<'r>);

impl<'r> RequestOrigin<'r> {
    /// Returns the request itself.
    pub fn request(&self) -> &'r Request<'r> {
        self.0
    }

    /// Returns whether the headers of the request name a foreign page. Also `true` if Vestibule is not attached to the
    /// application.
    pub fn is_foreign(&self) -> bool {
        app_state(self.0).and_then(|vestibule| check_headers(self.0, vestibule)).is_err()
    }

    /// Refuses a request from a foreign page. The CSRF token is not checked.
    pub fn check_origin(&self) -> Result<(), ApiError> {
        check_headers(self.0, app_state(self.0)?)
    }

    /// Checks origin and CSRF token, as the function [`check`] does.
    pub fn check(&self, session: SessionId) -> Result<(), ApiError> {
        check(self.0, app_state(self.0)?, session)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for RequestOrigin<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(request))
    }
}

/// A request guard that refuses a request from a foreign page if it has cookies with tokens. It is for handlers that learn only
/// from the body whether a cookie authenticates the request: a foreign page is refused whatever body it sends.
///
/// A request from an origin in `cors_allowed_origins` passes, and so does a request with neither `Origin` nor `Sec-Fetch-Site`.
/// A request with the header `Authorization` is not checked, because a foreign page can't set this header without permission by
/// CORS.
pub struct SameOrigin;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for SameOrigin {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let checked = app_state(request).and_then(|vestibule| {
            let by_header = request.headers().contains("Authorization");
            if Cookies::of(request)?.has_token() && !by_header { check_headers(request, vestibule) } else { Ok(()) }
        });
        guard_outcome(request, checked.map(|()| Self))
    }
}

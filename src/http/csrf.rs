//! Requests that a cookie authenticates: made by our own page, or by a foreign one that the browser follows?

use std::convert::Infallible;

use rocket::{
    Request,
    http::{Cookie, CookieJar},
    request::{FromRequest, Outcome},
};
use subtle::ConstantTimeEq;

use super::{
    cors,
    errors::{ApiError, Code},
    guards,
};
use crate::{domain::SessionId, flows::Vestibule};

/// Refuses a request whose `Origin` or `Sec-Fetch-Site` is foreign, or that does not know the session's CSRF token.
pub fn check(request: &Request<'_>, vestibule: &Vestibule, session: SessionId) -> Result<(), ApiError> {
    check_site(request, vestibule)?;
    let header = vestibule.config.cookies.csrf_header.as_str();
    let expected = vestibule.csrf_token(session);
    let given = request.headers().get_one(header).unwrap_or_default();
    if bool::from(given.as_bytes().ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err(ApiError::new(Code::CsrfFailed, format!("Send the value of the CSRF cookie in the header {header}.")))
    }
}

/// The same for a form of a page, which has the token in a hidden field: the contract lets it count like the header.
pub fn check_form(request: &Request<'_>, session: SessionId, given: &str) -> Result<(), ApiError> {
    let vestibule = guards::shared(request)?;
    check_site(request, vestibule)?;
    if bool::from(given.as_bytes().ct_eq(vestibule.csrf_token(session).as_bytes())) {
        Ok(())
    } else {
        Err(ApiError::new(Code::CsrfFailed, "The form does not have the CSRF token of this session."))
    }
}

/// Whether the browser has the CSRF cookie of a session, which came with its tokens.
pub fn is_in_cookie(jar: &CookieJar<'_>, vestibule: &Vestibule, session: SessionId) -> bool {
    let given = jar.get(&vestibule.config.cookies.csrf_name).map(Cookie::value).unwrap_or_default();
    bool::from(given.as_bytes().ct_eq(vestibule.csrf_token(session).as_bytes()))
}

/// The browser's own word on where the request comes from, where it gives one.
fn check_site(request: &Request<'_>, vestibule: &Vestibule) -> Result<(), ApiError> {
    let headers = request.headers();
    let is_own = |origin: &str| cors::is_own_or_allowed(vestibule, origin) || is_host(request, origin);
    // With `cookie_domain` a page of another host of the site has our cookies and can read the CSRF token; so the same site
    // is not enough.
    let is_foreign = match (headers.get_one("Origin"), headers.get_one("Sec-Fetch-Site")) {
        (Some(origin), _) => !is_own(origin),
        (None, site) => site.is_some_and(|site| !matches!(site, "same-origin" | "none")),
    };
    if is_foreign {
        return Err(ApiError::new(Code::CsrfFailed, "The request comes from a page that may not make it."));
    }
    Ok(())
}

/// Whether a page's origin is the very host that the browser asks: a foreign page can't choose either.
fn is_host(request: &Request<'_>, origin: &str) -> bool {
    let host_of_page = origin.split_once("://").map(|(_, host)| host);
    host_of_page.is_some() && host_of_page == request.headers().get_one("Host")
}

/// Where a request comes from, for handlers that learn only from its body whether a cookie authenticates it.
pub struct Site<'r>(&'r Request<'r>);

impl<'r> Site<'r> {
    /// The request itself.
    pub fn request(&self) -> &'r Request<'r> {
        self.0
    }

    /// Whether the request says itself that it comes from a foreign page.
    pub fn is_foreign(&self) -> bool {
        guards::shared(self.0).and_then(|vestibule| check_site(self.0, vestibule)).is_err()
    }

    /// Refuses a foreign page.
    pub fn check_origin(&self) -> Result<(), ApiError> {
        check_site(self.0, guards::shared(self.0)?)
    }

    /// As [`check`].
    pub fn check(&self, session: SessionId) -> Result<(), ApiError> {
        check(self.0, guards::shared(self.0)?, session)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Site<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(request))
    }
}

/// A request without a session's cookies, or not from a foreign page: for handlers that learn only from the body whether a cookie
/// counts, so that a foreign page is refused whatever body it sends.
pub struct OwnPage;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for OwnPage {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let checked = guards::shared(request).and_then(|vestibule| {
            let names = [&vestibule.config.cookies.access_name, &vestibule.config.cookies.refresh_name];
            let has_cookie = names.iter().any(|name| request.cookies().get(name).is_some());
            let by_header = request.headers().contains("Authorization");
            if has_cookie && !by_header { check_site(request, vestibule) } else { Ok(()) }
        });
        guards::outcome(request, checked.map(|()| Self))
    }
}

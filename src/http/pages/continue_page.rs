//! `GET {base}/continue?next=`: the page to which a browser with an expired access cookie is redirected. Browsers send the
//! refresh cookie to this path, but to no other page.
//!
//! The response depends on the session:
//! * The access cookie is still valid: a redirect to `next`.
//! * The session is not bound to a device: new cookies and a redirect to `next`.
//! * The session is bound to a device: a page whose script sends the fingerprint.
//! * There is no live session: a redirect to the sign-in form.
//!
//! A refusal never clears a cookie, because another tab may have received newer cookies.

use rocket::{Request, State, get, head, http::Status};
use serde_json::json;

use super::{Page, PageResponse, SeeOther, login::target, redirect_loop, signed_in::MaybeSignedIn, with_query};
use crate::{
    config::FingerprintPolicy,
    domain::session::SessionState,
    flows::{
        Vestibule,
        sessions::refresh::{Refresh, RefreshError, refresh},
    },
    http::{
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::ApiError,
        request::caller::Caller,
    },
    store,
};

/// Redirects the browser to `next`, after renewing the cookies if necessary.
#[get("/continue?<next>")]
pub async fn continue_to_next(
    next: Option<&str>,
    visitor: MaybeSignedIn,
    origin: csrf::RequestOrigin<'_>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<PageResponse, ApiError> {
    let next = target(vestibule, next.unwrap_or_default());
    if visitor.0.is_some() {
        return Ok(redirect_onward(next, cookies));
    }
    match inspect_refresh_cookie(vestibule, caller, cookies).await? {
        RefreshCookie::SignedOut => Ok(to_login(&next)),
        RefreshCookie::Bound => Ok(device_check_page(&next)),
        // A prefetch must not rotate the refresh token.
        RefreshCookie::Unbound(_) if !is_visit(origin.request()) => {
            Ok(Page::new("continue", context(&next)).refused(TOO_EARLY, None).into())
        }
        RefreshCookie::Unbound(token) => match refresh(vestibule, Refresh::of(&token), &caller.context()).await {
            Ok(tokens) => {
                cookies.set(&tokens);
                Ok(redirect_onward(next, cookies))
            }
            // The session was bound to a device, or ended, after it was read above.
            Err(RefreshError::DeviceMismatch(_)) => Ok(device_check_page(&next)),
            Err(
                RefreshError::Token(_)
                | RefreshError::SessionEnded(_)
                | RefreshError::Outdated(_)
                | RefreshError::Reused(_),
            ) => Ok(to_login(&next)),
            Err(error) => Err(error.into()),
        },
    }
}

/// The status for a prefetch. A browser discards a prefetched response with this status and repeats the request when the user
/// navigates (RFC 8470 §5.2).
const TOO_EARLY: Status = Status::new(425);

/// Answers `HEAD` with 425. `HEAD` must not change anything (RFC 9110 §9.2.1), but Rocket would route it to the handler of
/// `GET`, which can't distinguish the methods.
#[head("/continue")]
pub fn continue_head() -> (Status, ()) {
    (TOO_EARLY, ())
}

/// The state of the session in the refresh cookie.
enum RefreshCookie {
    /// There is no valid refresh cookie, or its session has ended.
    SignedOut,
    /// The session is bound to a device, which must prove itself.
    Bound,
    /// The refresh token of a session that is not bound.
    Unbound(String),
}

async fn inspect_refresh_cookie(
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<RefreshCookie, ApiError> {
    let now = caller.context().now;
    let Ok(Some((token, claims))) = cookies.refresh(now) else { return Ok(RefreshCookie::SignedOut) };
    // Another host of the domain could set a refresh cookie and so sign the visitor in to an attacker's account: the cookie
    // has a path, so its name can't have the prefix `__Host-`, which would prevent this. That host can't set the matching CSRF
    // cookie, whose name has the prefix. With `cookie_domain` it can, but then all hosts of the domain must be trusted anyway.
    if !cookies.has_csrf_token_of(claims.sid) {
        return Ok(RefreshCookie::SignedOut);
    }
    let session = store::sessions::find(&mut *vestibule.store.read().await?, claims.sid).await?;
    let is_looked_at = vestibule.config.devices.fingerprint != FingerprintPolicy::Off;
    Ok(match session.filter(|session| session.state(now) == SessionState::Live) {
        None => RefreshCookie::SignedOut,
        Some(session) if is_looked_at && session.fingerprint.is_some() => RefreshCookie::Bound,
        Some(_) => RefreshCookie::Unbound(token.to_owned()),
    })
}

/// Returns whether the request is a navigation by the user. A prefetch has the header `Sec-Purpose` (Fetch standard) or
/// `Purpose`. Any other request that is not a navigation has a different `Sec-Fetch-Mode`.
fn is_visit(request: &Request<'_>) -> bool {
    let headers = request.headers();
    let looks_ahead = ["Sec-Purpose", "Purpose"].iter().any(|name| headers.get_one(name).is_some());
    let is_navigation = headers.get_one("Sec-Fetch-Mode").is_none_or(|mode| mode == "navigate");
    !looks_ahead && is_navigation
}

fn redirect_onward(next: String, cookies: Cookies<'_>) -> PageResponse {
    if redirect_loop::is_loop(cookies, &next) {
        return Page::new("loop", json!({})).refused(Status::Conflict, None).into();
    }
    SeeOther(next).into()
}

fn to_login(next: &str) -> PageResponse {
    SeeOther(with_query("/login", "next", next)).into()
}

fn device_check_page(next: &str) -> PageResponse {
    Page::new("continue", context(next)).into()
}

fn context(next: &str) -> serde_json::Value {
    json!({"next": next, "next_query": with_query("", "next", next)})
}

//! `GET {base}/continue?next=`: where a person goes whose access cookie is over. The refresh cookie reaches no page, but it
//! reaches this path.
//!
//! Whoever is still signed in goes on to `next`; an unbound session gets new cookies first; a bound one gets a page whose
//! script shows the device; everybody else signs in. No refusal clears a cookie: another tab's may be newer.

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

/// Sends a person on.
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
        RefreshCookie::Out => Ok(to_login(&next)),
        RefreshCookie::Bound => Ok(device_check_page(&next)),
        // What only looks ahead takes no rotation.
        RefreshCookie::Unbound(_) if !is_visit(origin.request()) => {
            Ok(Page::new("continue", context(&next)).refused(TOO_EARLY, None).into())
        }
        RefreshCookie::Unbound(token) => match refresh(vestibule, Refresh::of(&token), &caller.context()).await {
            Ok(tokens) => {
                cookies.set(&tokens);
                Ok(redirect_onward(next, cookies))
            }
            // It was bound meanwhile, or ended.
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

/// Not for who only looks: with this status browsers forget what they fetched ahead (RFC 8470 §5.2).
const TOO_EARLY: Status = Status::new(425);

/// `HEAD` changes nothing (RFC 9110 §9.2.1). Rocket would hand it to the route of `GET`, and not tell.
#[head("/continue")]
pub fn continue_head() -> (Status, ()) {
    (TOO_EARLY, ())
}

/// What the refresh cookie says.
enum RefreshCookie {
    /// There is none, or its session is over.
    Out,
    /// Only its own device gets further.
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
    let Ok(Some((token, claims))) = cookies.refresh(now) else { return Ok(RefreshCookie::Out) };
    // Another host of the domain can set a refresh cookie, whose name can't have the prefix that forbids it, and with it sign a
    // visitor in as somebody else. The CSRF cookie, which came with ours, it can't: unless `cookie_domain` shares that with hosts
    // that must all be trusted.
    if !cookies.has_csrf_token_of(claims.sid) {
        return Ok(RefreshCookie::Out);
    }
    let session = store::sessions::find(&mut *vestibule.store.read().await?, claims.sid).await?;
    let is_looked_at = vestibule.config.devices.fingerprint != FingerprintPolicy::Off;
    Ok(match session.filter(|session| session.state(now) == SessionState::Live) {
        None => RefreshCookie::Out,
        Some(session) if is_looked_at && session.fingerprint.is_some() => RefreshCookie::Bound,
        Some(_) => RefreshCookie::Unbound(token.to_owned()),
    })
}

/// Whether a person wants to be there now. A browser that looks ahead says so (`Sec-Purpose`, in Fetch), and what is no
/// navigation is no visit.
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

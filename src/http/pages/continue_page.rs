//! `GET {base}/continue?next=`: renews an expired access cookie and redirects the browser to `next`. Pages redirect the browser
//! to this address, because the browser sends the refresh cookie only to paths below `base_path`.
//!
//! The response depends on the session:
//! * The access cookie is still valid: a redirect to `next`.
//! * The session is not bound to a device: new cookies and a redirect to `next`.
//! * The session is bound to a device: a page whose script sends the fingerprint.
//! * There is no live session: a redirect to the sign-in form.
//!
//! The page sends its browser here again with the parameter `checked` if the refresh by the script was refused, so that the
//! sign-in form can say why.
//!
//! A refusal never removes a cookie, because another tab may have received newer cookies.

use rocket::{Request, State, get, head, http::Status};
use serde_json::json;

use super::{Page, PageResponse, SeeOther, ended, login::target, redirect_loop, signed_in::MaybeSignedIn, with_query};
use crate::{
    config::FingerprintPolicy,
    domain::session::SessionState,
    flows::{
        Vestibule,
        sessions::refresh::{Refresh, RefreshError, refresh},
    },
    http::{
        api::audience::audience_of_refreshed_cookie,
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::ApiError,
        request::caller::Caller,
    },
    store,
};

/// Redirects the browser to `next`, and renews the cookies before if necessary. A `next` that is not allowed is replaced by the
/// account page.
#[get("/continue?<next>&<checked>")]
pub async fn continue_to_next(
    next: Option<&str>,
    checked: Option<&str>,
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
        RefreshCookie::SignedOut => to_login(&next, vestibule, caller, cookies).await,
        RefreshCookie::Bound if checked.is_some() => to_login(&next, vestibule, caller, cookies).await,
        RefreshCookie::Bound => Ok(device_check_page(&next)),
        // A prefetch must not rotate the refresh token, because the browser may never use its response.
        RefreshCookie::Unbound(_) if !is_visit(origin.request()) => {
            Ok(Page::new("continue", context(&next)).refused(TOO_EARLY, None).into())
        }
        RefreshCookie::Unbound(token) => match refresh(
            vestibule,
            Refresh {
                device_ids: cookies.device_ids(),
                audience: audience_of_refreshed_cookie(&token, None, vestibule)?,
                ..Refresh::of(&token)
            },
            &caller.context(),
        )
        .await
        {
            Ok(tokens) => {
                cookies.set(&tokens);
                Ok(redirect_onward(next, cookies))
            }
            // The session was bound to a device after its row was read above.
            Err(RefreshError::DeviceMismatch(..)) => Ok(device_check_page(&next)),
            // The session has ended since then, or another request has replaced the token.
            Err(
                RefreshError::Token(_)
                | RefreshError::SessionEnded(_)
                | RefreshError::Outdated(_)
                | RefreshError::Reused(_)
                | RefreshError::WithoutDevice(_),
            ) => to_login(&next, vestibule, caller, cookies).await,
            Err(error) => Err(error.into()),
        },
    }
}

/// The status for a prefetch (425). A browser discards a prefetched response with this status. It sends the request again when
/// the user navigates to the page (RFC 8470 §5.2).
const TOO_EARLY: Status = Status::new(425);

/// Responds to `HEAD` with 425. `HEAD` must change nothing (RFC 9110 §9.2.1). Without this handler, Rocket would call the
/// handler of `GET`, which can't distinguish the methods.
#[head("/continue")]
pub fn continue_head() -> (Status, ()) {
    (TOO_EARLY, ())
}

/// The refresh cookie, by the state of its session.
enum RefreshCookie {
    /// There is no valid refresh cookie, its session has ended, or the CSRF cookie does not belong to the session.
    SignedOut,
    /// The session is bound to a device, so a refresh needs its fingerprint.
    Bound,
    /// The refresh token of a live session that is not bound to a device.
    Unbound(String),
}

/// Reads the refresh cookie and the row of its session. Changes nothing.
async fn inspect_refresh_cookie(
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<RefreshCookie, ApiError> {
    let now = caller.context().now;
    let Ok(Some((token, claims))) = cookies.refresh(now) else { return Ok(RefreshCookie::SignedOut) };
    // Another host of the domain could set a refresh cookie, and so sign the visitor in to an attacker's account. The prefix
    // `__Host-` would prevent this, but the name of the refresh cookie can't have the prefix, because the cookie has a path.
    // The name of the CSRF cookie has it, so that host can't set the matching CSRF cookie.
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
/// `Purpose`. Another request that is not a navigation has a `Sec-Fetch-Mode` other than `navigate`. A browser that does not
/// send this header is assumed to navigate.
fn is_visit(request: &Request<'_>) -> bool {
    let headers = request.headers();
    let looks_ahead = ["Sec-Purpose", "Purpose"].iter().any(|name| headers.get_one(name).is_some());
    let is_navigation = headers.get_one("Sec-Fetch-Mode").is_none_or(|mode| mode == "navigate");
    !looks_ahead && is_navigation
}

/// Returns the redirect to `next`, or a page with the status 409 if the browser is in a redirect loop.
fn redirect_onward(next: String, cookies: Cookies<'_>) -> PageResponse {
    if redirect_loop::is_loop(cookies, &next) {
        return Page::new("loop", json!({})).refused(Status::Conflict, None).into();
    }
    SeeOther(next).into()
}

/// Returns the redirect to the sign-in form, which says why the session has ended, and then redirects to `next`.
async fn to_login(
    next: &str,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<PageResponse, ApiError> {
    ended::remember(vestibule, caller, cookies).await?;
    Ok(SeeOther(with_query("/login", "next", next)).into())
}

/// Returns the page whose script sends the fingerprint of the device.
fn device_check_page(next: &str) -> PageResponse {
    Page::new("continue", context(next)).into()
}

/// Returns the values of the template `continue`.
fn context(next: &str) -> serde_json::Value {
    json!({"next": next, "next_query": with_query("", "next", next)})
}

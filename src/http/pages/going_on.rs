//! `GET {base}/continue?next=`: where a person goes whose access cookie is over. The refresh cookie reaches no page, but it
//! reaches this path.
//!
//! Whoever is still signed in goes on to `next`; an unbound session gets new cookies first; a bound one gets a page whose
//! script shows the device; everybody else signs in. No refusal clears a cookie: another tab's may be newer.

use rocket::{Request, State, get, head, http::Status};
use serde_json::json;

use super::{Answer, Page, SeeOther, hops, login::target, signed_in::MaybeSignedIn, with_query};
use crate::{
    config::FingerprintPolicy,
    domain::session::SessionState,
    flows::{
        Vestibule,
        sessions::refresh::{Refresh, RefreshError, refresh},
    },
    http::{
        browser::{cookies::Cookies, csrf},
        errors::ApiError,
        request::caller::Caller,
        shared::Shared,
    },
    store,
};

/// Sends a person on.
#[get("/continue?<next>")]
pub async fn go_on(
    next: Option<&str>,
    who: MaybeSignedIn,
    site: csrf::Site<'_>,
    vestibule: &State<Shared>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Answer, ApiError> {
    let next = target(vestibule, next.unwrap_or_default());
    if who.0.is_some() {
        return Ok(on(next, cookies));
    }
    match standing(vestibule, caller, cookies).await? {
        Standing::Out => Ok(to_login(&next)),
        Standing::Bound => Ok(bound(&next)),
        // What only looks ahead takes no rotation.
        Standing::Unbound(_) if !is_visit(site.request()) => {
            Ok(Page::new("continue", context(&next)).refused(TOO_EARLY, None).into())
        }
        Standing::Unbound(token) => match refresh(vestibule, Refresh::of(&token), &caller.origin()).await {
            Ok(tokens) => {
                cookies.set(&tokens);
                Ok(on(next, cookies))
            }
            // It was bound meanwhile, or ended.
            Err(RefreshError::DeviceMismatch(_)) => Ok(bound(&next)),
            Err(
                RefreshError::Token(_) | RefreshError::Over(_) | RefreshError::Outdated(_) | RefreshError::Reused(_),
            ) => Ok(to_login(&next)),
            Err(error) => Err(error.into()),
        },
    }
}

/// Not for who only looks: with this status browsers forget what they fetched ahead (RFC 8470 §5.2).
const TOO_EARLY: Status = Status::new(425);

/// `HEAD` changes nothing (RFC 9110 §9.2.1). Rocket would hand it to the route of `GET`, and not tell.
#[head("/continue")]
pub fn look() -> (Status, ()) {
    (TOO_EARLY, ())
}

/// What the refresh cookie says.
enum Standing {
    /// There is none, or its session is over.
    Out,
    /// Only its own device gets further.
    Bound,
    /// The refresh token of a session that is not bound.
    Unbound(String),
}

async fn standing(vestibule: &Vestibule, caller: &Caller, cookies: Cookies<'_>) -> Result<Standing, ApiError> {
    let now = caller.origin().now;
    let Ok(Some((token, claims))) = cookies.refresh(now) else { return Ok(Standing::Out) };
    // Another host of the domain can set a refresh cookie, whose name can't have the prefix that forbids it, and with it sign a
    // visitor in as somebody else. The CSRF cookie, which came with ours, it can't: unless `cookie_domain` shares that with hosts
    // that must all be trusted.
    if !cookies.csrf_names(claims.sid) {
        return Ok(Standing::Out);
    }
    let session = store::sessions::find(&mut *vestibule.store.read().await?, claims.sid).await?;
    let is_looked_at = vestibule.config.devices.fingerprint != FingerprintPolicy::Off;
    Ok(match session.filter(|session| session.state(now) == SessionState::Live) {
        None => Standing::Out,
        Some(session) if is_looked_at && session.baseline.is_some() => Standing::Bound,
        Some(_) => Standing::Unbound(token.to_owned()),
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

fn on(next: String, cookies: Cookies<'_>) -> Answer {
    if hops::is_too_many(cookies, &next) {
        return Page::new("loop", json!({})).refused(Status::Conflict, None).into();
    }
    SeeOther(next).into()
}

fn to_login(next: &str) -> Answer {
    SeeOther(with_query("/login", "next", next)).into()
}

fn bound(next: &str) -> Answer {
    Page::new("continue", context(next)).into()
}

fn context(next: &str) -> serde_json::Value {
    json!({"next": next, "next_query": with_query("", "next", next)})
}

//! `/logout`: a page with one button, to which applications link, and its form.

use rocket::{State, get, post, response::Redirect};
use serde_json::json;

use super::{
    Page, SeeOther,
    submitted_form::{Button, SubmittedForm},
};
use crate::{
    flows::{
        Vestibule,
        sessions::logout::{self, session_of},
    },
    http::{
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::ApiError,
        request::{
            body::{Form, IsForm},
            caller::Caller,
        },
    },
};

/// Returns the page. If the browser has no cookie of a session, the page has no button, but a link to `next`, or to the sign-in
/// form if `next` is not allowed. The access cookie may be absent or refused while the session lives, and the refresh cookie is
/// not sent to this path. So any cookie of a session is a reason for the button.
#[get("/logout?<next>")]
pub fn logout_page(next: Option<&str>, vestibule: &State<AppState>, cookies: Cookies<'_>) -> Page {
    let next = vestibule.redirects.read(next.unwrap_or_default());
    let next = next.as_ref().map_or("", |next| next.as_str());
    let session = cookies.session().ok().flatten().and_then(|token| session_of(vestibule, &token.presented()).ok());
    let of_cookie = cookies.csrf_tokens().first().map(|token| (*token).to_owned());
    Page::new(
        "logout",
        json!({
            "csrf_token": session.map(|(session, _)| vestibule.csrf_token(session)).or(of_cookie).unwrap_or_default(),
            "has_session": session.is_some() || cookies.has_token() || !cookies.csrf_tokens().is_empty(),
            "next": next,
            "onward": if next.is_empty() { "/login" } else { next },
        }),
    )
}

/// The response to the form.
#[derive(rocket::Responder)]
pub enum SignedOut {
    /// The browser requests another page.
    Done(SeeOther),
    /// The browser sends the form again, to a path to which it also sends the refresh cookie (307).
    Again(Box<Redirect>),
}

/// Signs out with the form of the page, and redirects to `next` if it is allowed, otherwise to the sign-in form. A request that
/// is not a form is forwarded: with `compat_routes` and with an empty `base_path`, the API has the same path.
#[post("/logout", data = "<form>")]
pub async fn logout_form(
    _is_form: IsForm,
    form: Form<SubmittedForm<Button>>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<SignedOut, ApiError> {
    let base = vestibule.config.web.base_path.as_str();
    let is_unknown = !matches!(cookies.session(), Ok(Some(_)));
    if is_unknown && !base.is_empty() && !cookies.csrf_tokens().is_empty() {
        return Ok(SignedOut::Again(Box::new(Redirect::temporary(format!("{base}/sign-out")))));
    }
    sign_out_and_go_on(&form.0, vestibule, caller, cookies, &origin).await.map(SignedOut::Done)
}

/// Signs out with the form of `/logout`, at a path to which the browser sends the refresh cookie.
#[post("/sign-out", data = "<form>")]
pub async fn logout_form_with_refresh_cookie(
    form: Form<SubmittedForm<Button>>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<SeeOther, ApiError> {
    sign_out_and_go_on(&form.0, vestibule, caller, cookies, &origin).await
}

/// Signs out, and returns the redirect to `next` or to the sign-in form.
async fn sign_out_and_go_on(
    form: &SubmittedForm<Button>,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: &csrf::RequestOrigin<'_>,
) -> Result<SeeOther, ApiError> {
    sign_out(&form.csrf_token, vestibule, caller, cookies, origin).await?;
    let next = vestibule.redirects.read(&form.next);
    Ok(SeeOther(next.map_or_else(|| "/login?notice=signed_out".to_owned(), |next| next.as_str().to_owned())))
}

/// Revokes the session of the cookies and removes the cookies. An expired token is accepted, so that a user can always sign
/// out. Fails if there is a session and the form does not have its CSRF token.
pub async fn sign_out(
    csrf_token: &str,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: &csrf::RequestOrigin<'_>,
) -> Result<(), ApiError> {
    // If the cookies have no token of this server, there is no session to end.
    if let Ok(Some(token)) = cookies.session() {
        let shown = token.presented();
        let (session, _) = session_of(vestibule, &shown).map_err(ApiError::from)?;
        csrf::check_form(origin.request(), session, csrf_token)?;
        logout::logout(vestibule, &shown, &caller.context()).await?;
    }
    // If no cookie names a session, there is no CSRF token to check. A foreign page must still not remove the cookies.
    if !origin.is_foreign() {
        cookies.clear();
    }
    Ok(())
}

/// Redirects to the page with the form for a new password, to which password managers lead (the W3C draft "A Well-Known URL for
/// Changing Passwords").
#[get("/.well-known/change-password")]
pub fn change_password_address() -> SeeOther {
    SeeOther(super::ACCOUNT.to_owned())
}

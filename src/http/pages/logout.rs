//! `/logout`: a page with one button, to which applications link, and its form.

use rocket::{State, get, post};
use serde_json::json;

use super::{
    Page, PageResponse, SeeOther,
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

/// Returns the page. Without a session it has no button, but a link to `next`, or to the sign-in form if `next` is not allowed.
#[get("/logout?<next>")]
pub fn logout_page(next: Option<&str>, vestibule: &State<AppState>, cookies: Cookies<'_>) -> Page {
    let next = vestibule.redirects.read(next.unwrap_or_default());
    let next = next.as_ref().map_or("", |next| next.as_str());
    let session = cookies.session().ok().flatten().and_then(|token| session_of(vestibule, &token.presented()).ok());
    Page::new(
        "logout",
        json!({
            "csrf_token": session.map(|(session, _)| vestibule.csrf_token(session)),
            "next": next,
            "onward": if next.is_empty() { "/login" } else { next },
        }),
    )
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
) -> Result<PageResponse, ApiError> {
    sign_out(&form.0.csrf_token, vestibule, caller, cookies, &origin).await?;
    let next = vestibule.redirects.read(&form.0.next);
    let next = next.map_or_else(|| "/login?notice=signed_out".to_owned(), |next| next.as_str().to_owned());
    Ok(SeeOther(next).into())
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

//! The guards of the account pages. They require a valid access cookie. Without this cookie, the browser is redirected to
//! `continue`. The browser sends the refresh cookie to that path, so a user whose access token has expired does not have to
//! sign in again.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
};

use rocket::{
    Data, Request,
    data::{FromData, Outcome as DataOutcome},
    http::{Method, Status},
    request::{FromRequest, Outcome},
};

use super::{ACCOUNT, SeeOther, submitted_form::SubmittedForm, with_query};
use crate::http::{
    app_state::app_state,
    browser::csrf,
    errors::{ApiError, fail_data_guard},
    guards::{self, AccessToken},
    request::body::{Form, FromFields},
};

/// A request guard for requests with a valid access cookie. It does not check that a page of this server sent the request;
/// [`Posted`] does.
#[derive(Debug)]
pub struct SignedIn(pub AccessToken);

/// A request guard that accepts every request, with or without a valid access cookie.
#[derive(Debug)]
pub struct MaybeSignedIn(pub Option<AccessToken>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for MaybeSignedIn {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(guards::in_cookie(request).ok()))
    }
}

/// A data guard for a form that a signed-in user sent from a page of this server. It checks the access cookie first, then reads
/// the form and checks the CSRF token.
#[derive(Debug)]
pub struct Posted<T> {
    /// The access token of the user.
    pub token: AccessToken,
    /// The text that was typed as the username.
    pub username: String,
    /// The text that was typed as the email address.
    pub email: String,
    /// The form, or the error that lists its invalid fields.
    pub fields: Result<T, ApiError>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for SignedIn {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        match guards::in_cookie(request) {
            Ok(token) => Outcome::Success(Self(token)),
            Err(error) => {
                redirect_to_continue(request);
                Outcome::Error((Status::SeeOther, error))
            }
        }
    }
}

#[rocket::async_trait]
impl<'r, T: FromFields> FromData<'r> for Posted<T> {
    type Error = ApiError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> DataOutcome<'r, Self> {
        let token = match request.guard::<SignedIn>().await {
            Outcome::Success(SignedIn(token)) => token,
            Outcome::Error(error) => return DataOutcome::Error(error),
            Outcome::Forward(status) => return DataOutcome::Forward((data, status)),
        };
        let Form(sent) = match Form::<SubmittedForm<T>>::from_data(request, data).await {
            DataOutcome::Success(form) => form,
            DataOutcome::Error(error) => return DataOutcome::Error(error),
            DataOutcome::Forward(forward) => return DataOutcome::Forward(forward),
        };
        match csrf::check_form(request, token.claims().sid, &sent.csrf_token) {
            Ok(()) => {
                let SubmittedForm { username, email, fields, .. } = sent;
                DataOutcome::Success(Self { token, username, email, fields })
            }
            Err(error) => fail_data_guard(request, error),
        }
    }
}

/// Keeps a redirect to `continue`, because the request has no valid access cookie.
pub(super) fn redirect_to_continue(request: &Request<'_>) {
    redirect_to(request, continue_address(request));
}

/// Returns the address of `continue` for this request. Afterwards the browser requests a page again. A form can't be sent
/// again, so the browser then goes to the page of the form, which tells the user to repeat the action.
fn continue_address(request: &Request<'_>) -> String {
    let base = app_state(request).map_or("", |vestibule| vestibule.config.web.base_path.as_str());
    let next = match request.method() {
        Method::Get | Method::Head => request.uri().to_string(),
        _ => format!("{}?notice=again", page_of_form(request.uri().path().as_str())),
    };
    with_query(&format!("{base}/continue"), "next", &next)
}

/// Returns the path of the page that has the form with this path. In the administration, the path of a form is that of its page
/// and the name of the form.
fn page_of_form(path: &str) -> &str {
    let page = path.rsplit_once('/').map_or("", |(page, _)| page);
    if page.starts_with("/admin/") { page } else { ACCOUNT }
}

/// The address of the redirect that a guard has kept.
type RedirectTo = Mutex<Option<String>>;

/// Keeps the address of a redirect for the catcher, because a guard can't send a response.
fn redirect_to(request: &Request<'_>, address: String) {
    let slot: &RedirectTo = request.local_cache(RedirectTo::default);
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
}

/// Returns the redirect that a guard has kept for this request, and removes it. Returns `None` if no guard has kept a redirect.
pub fn redirect_of(request: &Request<'_>) -> Option<SeeOther> {
    let slot: &RedirectTo = request.local_cache(RedirectTo::default);
    slot.lock().unwrap_or_else(PoisonError::into_inner).take().map(SeeOther)
}

//! Who may see an account: whoever has its access cookie. Without one that holds, a person is sent to `continue`, which knows
//! more: nobody loses a session because a token was over.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
};

use rocket::{
    Data, Request,
    data::{FromData, Outcome as DataOutcome},
    http::Status,
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

/// A request with an access cookie that holds. That it was not made by a foreign page is not shown by it: see [`Posted`].
#[derive(Debug)]
pub struct SignedIn(pub AccessToken);

/// A request with an access cookie that holds, or without one: a page that is there for both.
#[derive(Debug)]
pub struct MaybeSignedIn(pub Option<AccessToken>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for MaybeSignedIn {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(guards::in_cookie(request).ok()))
    }
}

/// A form that a signed-in person sent from our own page.
#[derive(Debug)]
pub struct Posted<T> {
    /// Who.
    pub token: AccessToken,
    /// What, or what is wrong with it.
    pub fields: Result<T, ApiError>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for SignedIn {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        match guards::in_cookie(request) {
            Ok(token) => Outcome::Success(Self(token)),
            Err(error) => {
                redirect_to(request, continue_address(request));
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
            Ok(()) => DataOutcome::Success(Self { token, fields: sent.fields }),
            Err(error) => fail_data_guard(request, error),
        }
    }
}

/// Where the request is tried again once there is an access cookie. A form can't be: the person is told to send it again.
fn continue_address(request: &Request<'_>) -> String {
    let base = app_state(request).map_or("", |vestibule| vestibule.config.web.base_path.as_str());
    let next = match request.method() {
        rocket::http::Method::Get | rocket::http::Method::Head => request.uri().to_string(),
        _ => format!("{ACCOUNT}?notice=again"),
    };
    with_query(&format!("{base}/continue"), "next", &next)
}

type RedirectTo = Mutex<Option<String>>;

/// Keeps the way for the catcher: a guard can't answer.
fn redirect_to(request: &Request<'_>, address: String) {
    let slot: &RedirectTo = request.local_cache(RedirectTo::default);
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
}

/// Where a guard wants the browser to go.
pub fn redirect_of(request: &Request<'_>) -> Option<SeeOther> {
    let slot: &RedirectTo = request.local_cache(RedirectTo::default);
    slot.lock().unwrap_or_else(PoisonError::into_inner).take().map(SeeOther)
}

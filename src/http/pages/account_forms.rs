//! The handlers of the forms of `/account`. Each handler runs a flow. After success it redirects (303) to a page. If the form
//! for the password or the deletion fails, the response is the account page with the error. The query parameter `notice`
//! selects the sentence that the page displays.

use rocket::{State, post};

use super::{
    ACCOUNT, PageResponse, SeeOther,
    account::page,
    failure::Failure,
    logout::sign_out,
    signed_in::Posted,
    submitted_form::{Button, SubmittedForm},
    texts,
};
use crate::{
    domain::{SessionId, password::Password},
    flows::{
        Vestibule,
        sessions::revoke_sessions::{OwnSessions, RevokeError, revoke_own},
        steps::verify_password::VerifyPasswordError,
        users::{
            change_password::{ChangePasswordError, change_password},
            delete_user::{DeleteUserError, delete_own},
        },
    },
    http::{
        api::users::ChangePasswordBody,
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode},
        request::{
            body::{Fields, Form, FromFields},
            caller::Caller,
            field::{Field, Kind, required},
        },
    },
};

/// Returns a redirect to the account page with the code `notice`.
pub(super) fn to_account(notice: &str) -> PageResponse {
    SeeOther(format!("{ACCOUNT}?notice={notice}")).into()
}

/// Returns a redirect to the sign-in form with the code `notice`.
fn to_login(notice: &str) -> PageResponse {
    SeeOther(format!("/login?notice={notice}")).into()
}

/// Signs out: revokes the session of the cookies and removes the cookies. An expired token is accepted, so that a user can
/// always sign out.
#[post("/account/sign-out", data = "<form>")]
pub async fn sign_out_form(
    form: Form<SubmittedForm<Button>>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<PageResponse, ApiError> {
    sign_out(&form.0.csrf_token, vestibule, caller, cookies, &origin).await?;
    Ok(to_login("signed_out"))
}

/// Revokes one session of the user. If it is the current session, also removes the cookies and redirects to the sign-in form.
#[post("/account/sessions/<id>/revoke", data = "<form>")]
pub async fn revoke_form(
    id: &str,
    form: Posted<Button>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<PageResponse, ApiError> {
    // A text that is not an id is treated like the id of a session that has ended.
    let Some(session) = SessionId::parse(id) else { return Ok(to_account("already_signed_out")) };
    let claims = form.token.claims();
    match revoke_own(vestibule, claims, OwnSessions::One(session), &caller.context()).await {
        Ok(_) if session == claims.sid => {
            cookies.clear();
            Ok(to_login("signed_out"))
        }
        Ok(_) => Ok(to_account("device_signed_out")),
        Err(RevokeError::Unknown) => Ok(to_account("already_signed_out")),
        Err(error) => Err(error.into()),
    }
}

/// Revokes all sessions of the user except the current session.
#[post("/account/sessions/revoke-others", data = "<form>")]
pub async fn revoke_others_form(
    form: Posted<Button>,
    vestibule: &State<AppState>,
    caller: &Caller,
) -> Result<PageResponse, ApiError> {
    revoke_own(vestibule, form.token.claims(), OwnSessions::Others(None), &caller.context()).await?;
    Ok(to_account("others_signed_out"))
}

/// Changes the password and sets the new tokens of the session as cookies.
#[post("/account/password", data = "<form>")]
pub async fn change_password_form(
    form: Posted<ChangePasswordBody>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<PageResponse, ApiError> {
    let claims = form.token.claims();
    let changed = match form.fields {
        Ok(ChangePasswordBody { current, new }) => {
            let changed = change_password(vestibule, claims, &current, &new, &caller.context()).await;
            changed.map_err(|error| match error {
                ChangePasswordError::Proof(VerifyPasswordError::Wrong(_)) => wrong_password("current_password"),
                error => ApiError::from(error).into(),
            })
        }
        Err(error) => Err(error.into()),
    };
    match changed {
        Ok(tokens) => {
            cookies.set(&tokens);
            Ok(to_account("password_changed"))
        }
        Err(failure) => Ok(page(vestibule, claims, caller, cookies, failure.into()).await?.into()),
    }
}

/// The form that deletes the account. It has the password, and a checkbox that confirms the deletion.
#[derive(Debug)]
pub struct Deletion(Password);

impl FromFields for Deletion {
    const FIELDS: &'static [Field] = &[
        required("confirm", Kind::OneOf(&["yes"]), "The checkbox that confirms the deletion."),
        required("password", Kind::Password, "The password of the account."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        if fields.text_as_sent("confirm") != "yes" {
            fields.refuse("confirm", texts::error("not_confirmed"));
        }
        fields.required("password", Password::parse).map(Self)
    }
}

/// Deletes the account and removes the cookies, including the secret of the device.
#[post("/account/delete", data = "<form>")]
pub async fn delete_form(
    form: Posted<Deletion>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<PageResponse, ApiError> {
    let claims = form.token.claims();
    let deleted = match form.fields {
        Ok(Deletion(password)) => {
            let deleted = delete_own(vestibule, claims, &password, &caller.context()).await;
            deleted.map_err(|error| match error {
                DeleteUserError::Proof(VerifyPasswordError::Wrong(_)) => wrong_password("password"),
                error => ApiError::from(error).into(),
            })
        }
        Err(error) => Err(error.into()),
    };
    match deleted {
        Ok(()) => {
            cookies.clear();
            cookies.clear_device();
            Ok(to_login("account_deleted"))
        }
        Err(failure) => Ok(page(vestibule, claims, caller, cookies, failure.into()).await?.into()),
    }
}

/// Returns the failure for a wrong password: a sentence for the page, and a mark at `field`. The mark is necessary because the
/// page has several forms with a password.
pub(super) fn wrong_password(field: &str) -> Failure {
    let status = rocket::http::Status::new(ErrorCode::InvalidCredentials.status());
    Failure::field(status, field, texts::error("wrong")).with_sentence("wrong_password")
}

//! What the forms of `/account` do. Each is a flow, then 303 back to the page, with a code for what to say there.

use rocket::{State, post};

use super::{
    ACCOUNT, Answer, SeeOther,
    account::page,
    failure::Failure,
    sent::{Button, Sent},
    signed_in::Posted,
    texts,
};
use crate::{
    domain::{SessionId, password::Password},
    flows::{
        Vestibule,
        sessions::{
            logout::{self, session_of},
            revoke_sessions::{Own, RevokeError, revoke_own},
        },
        steps::proof::ProofError,
        users::{
            change_password::{ChangePasswordError, change_password},
            delete_user::{DeleteUserError, delete_own},
        },
    },
    http::{
        api::users::ChangePasswordBody,
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, Code},
        request::{
            body::{Fields, Form, FromFields},
            caller::Caller,
            field::{Field, Kind, required},
        },
        shared::Shared,
    },
};

/// Back to the page, to say what was done.
fn done(notice: &str) -> Answer {
    SeeOther(format!("{ACCOUNT}?notice={notice}")).into()
}

/// To the form for signing in, to say what was done.
fn left(notice: &str) -> Answer {
    SeeOther(format!("/login?notice={notice}")).into()
}

/// Signs out. A token that is over is good enough: whoever wants to leave may.
#[post("/account/sign-out", data = "<form>")]
pub async fn sign_out_form(
    form: Form<Sent<Button>>,
    vestibule: &State<Shared>,
    caller: &Caller,
    cookies: Cookies<'_>,
    site: csrf::Site<'_>,
) -> Result<Answer, ApiError> {
    // Where none of the cookies is ours, there is nobody to sign out.
    if let Ok(Some(token)) = cookies.session() {
        let shown = token.shown();
        let (session, _) = session_of(vestibule, &shown).map_err(ApiError::from)?;
        csrf::check_form(site.request(), session, &form.0.csrf_token)?;
        logout::logout(vestibule, &shown, &caller.origin()).await?;
    }
    if !site.is_foreign() {
        cookies.clear();
    }
    Ok(left("signed_out"))
}

/// Signs one device out.
#[post("/account/sessions/<id>/revoke", data = "<form>")]
pub async fn revoke_form(
    id: &str,
    form: Posted<Button>,
    vestibule: &State<Shared>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Answer, ApiError> {
    let Some(session) = SessionId::parse(id) else { return Ok(done("already_signed_out")) };
    let claims = form.token.claims();
    match revoke_own(vestibule, claims, Own::One(session), &caller.origin()).await {
        Ok(_) if session == claims.sid => {
            cookies.clear();
            Ok(left("signed_out"))
        }
        Ok(_) => Ok(done("device_signed_out")),
        Err(RevokeError::Unknown) => Ok(done("already_signed_out")),
        Err(error) => Err(error.into()),
    }
}

/// Signs every other device out.
#[post("/account/sessions/revoke-others", data = "<form>")]
pub async fn revoke_others_form(
    form: Posted<Button>,
    vestibule: &State<Shared>,
    caller: &Caller,
) -> Result<Answer, ApiError> {
    revoke_own(vestibule, form.token.claims(), Own::Others(None), &caller.origin()).await?;
    Ok(done("others_signed_out"))
}

/// Changes the password.
#[post("/account/password", data = "<form>")]
pub async fn change_password_form(
    form: Posted<ChangePasswordBody>,
    vestibule: &State<Shared>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Answer, ApiError> {
    let claims = form.token.claims();
    let changed = match form.fields {
        Ok(ChangePasswordBody { current, new }) => {
            let changed = change_password(vestibule, claims, &current, &new, &caller.origin()).await;
            changed.map_err(|error| match error {
                ChangePasswordError::Proof(ProofError::Wrong(_)) => wrong_password("current_password"),
                error => ApiError::from(error).into(),
            })
        }
        Err(error) => Err(error.into()),
    };
    match changed {
        Ok(tokens) => {
            cookies.set(&tokens);
            Ok(done("password_changed"))
        }
        Err(failure) => Ok(page(vestibule, claims, caller, None, Some(failure)).await?.into()),
    }
}

/// The form for the end: a password, and a tick that it is meant.
#[derive(Debug)]
pub struct Deletion(Password);

impl FromFields for Deletion {
    const FIELDS: &'static [Field] = &[
        required("confirm", Kind::OneOf(&["yes"]), "The tick that says that it is meant."),
        required("password", Kind::Password, "The password of the account."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        if fields.typed("confirm") != "yes" {
            fields.refuse("confirm", texts::error("not_confirmed"));
        }
        fields.required("password", Password::parse).map(Self)
    }
}

/// Deletes the account.
#[post("/account/delete", data = "<form>")]
pub async fn delete_form(
    form: Posted<Deletion>,
    vestibule: &State<Shared>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Answer, ApiError> {
    let claims = form.token.claims();
    let deleted = match form.fields {
        Ok(Deletion(password)) => {
            let deleted = delete_own(vestibule, claims, &password, &caller.origin()).await;
            deleted.map_err(|error| match error {
                DeleteUserError::Proof(ProofError::Wrong(_)) => wrong_password("password"),
                error => ApiError::from(error).into(),
            })
        }
        Err(error) => Err(error.into()),
    };
    match deleted {
        Ok(()) => {
            cookies.clear();
            cookies.clear_device();
            Ok(left("account_deleted"))
        }
        Err(failure) => Ok(page(vestibule, claims, caller, None, Some(failure)).await?.into()),
    }
}

/// Said at the field as well: the page has two forms with a password.
fn wrong_password(field: &str) -> Failure {
    let status = rocket::http::Status::new(Code::InvalidCredentials.status());
    Failure::field(status, field, texts::error("wrong")).saying("wrong_password")
}

//! `/register`, where that is open: an account by a plain form, which also signs in.

use rocket::{State, get, post};

use super::{
    Answer, SeeOther,
    failure::Failure,
    form_token,
    login::{Shown, open_session, page, target},
    sent::Sent,
    signed_in::MaybeSignedIn,
    texts, with_query,
};
use crate::{
    domain::Identifier,
    flows::{
        Vestibule,
        users::register::{RegisterError, Registration, register},
    },
    http::{
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, Code},
        request::{
            body::{Form, IsForm},
            caller::Caller,
        },
        shared::Shared,
    },
};

/// The form; who is signed in goes on.
#[get("/register?<next>")]
pub fn register_page(
    next: Option<&str>,
    who: MaybeSignedIn,
    site: csrf::Site<'_>,
    vestibule: &State<Shared>,
    cookies: Cookies<'_>,
) -> Result<Answer, ApiError> {
    let next = target(vestibule, next.unwrap_or_default());
    if who.0.is_some() {
        return Ok(SeeOther(next).into());
    }
    if !vestibule.config.passwords.registration_open {
        return Err(RegisterError::Closed.into());
    }
    Ok(page("register", Shown { next, ..Shown::default() }, &site, vestibule, cookies).into())
}

/// Makes an account and signs in.
#[post("/register", data = "<form>")]
pub async fn register_form(
    _is_form: IsForm,
    form: Form<Sent<Registration>>,
    vestibule: &State<Shared>,
    caller: &Caller,
    cookies: Cookies<'_>,
    site: csrf::Site<'_>,
) -> Result<Answer, ApiError> {
    let Form(sent) = form;
    let next = target(vestibule, &sent.next);
    if !vestibule.config.passwords.registration_open {
        return Err(RegisterError::Closed.into());
    }
    if let Err(error) = form_token::check(&site, cookies, vestibule, &sent.csrf_token) {
        let shown = Shown { next, failure: Some(error.into()), ..Shown::default() };
        return Ok(page("register", shown, &site, vestibule, cookies).into());
    }
    match make_account(sent.fields, vestibule, caller, cookies).await {
        Ok(Made::SignedIn) => Ok(SeeOther(next).into()),
        Ok(Made::NotSignedIn) => {
            let login = with_query("/login", "next", &next);
            Ok(SeeOther(format!("{login}&notice=registered")).into())
        }
        Err(failure) => {
            let (username, email) = (sent.username, sent.email);
            let shown = Shown { next, username, email, failure: Some(failure), ..Shown::default() };
            Ok(page("register", shown, &site, vestibule, cookies).into())
        }
    }
}

/// How far it came.
enum Made {
    SignedIn,
    /// The account is there, but no session: too many sign-ins, say, or none without script.
    NotSignedIn,
}

async fn make_account(
    registration: Result<Registration, ApiError>,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Made, Failure> {
    let registration = registration?;
    let password = registration.password.clone();
    let username = registration.username.clone().map(Identifier::Username);
    let identifier = username.or_else(|| registration.email.clone().map(Identifier::Email));
    register(vestibule, registration, caller.network, &caller.origin()).await.map_err(failure)?;
    let Some(identifier) = identifier else { return Ok(Made::NotSignedIn) };
    let signed_in = open_session(identifier, password, vestibule, caller, cookies).await;
    Ok(if signed_in.is_ok() { Made::SignedIn } else { Made::NotSignedIn })
}

/// A name that is taken is said at its field.
fn failure(error: RegisterError) -> Failure {
    match error {
        RegisterError::Taken(taken) => {
            let error = ApiError::from(RegisterError::Taken(taken));
            Failure::field(error.status(), taken.field(), texts::of_code(Code::AlreadyExists))
        }
        error => ApiError::from(error).into(),
    }
}

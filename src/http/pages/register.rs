//! `/register`: the creation of an account with a form that needs no script, and the sign-in afterwards. Registration must be
//! open.

use rocket::{State, get, post};

use super::{
    PageResponse, SeeOther,
    failure::Failure,
    form_token,
    login::{FormView, open_session, page, target},
    signed_in::MaybeSignedIn,
    submitted_form::SubmittedForm,
    with_query,
};
use crate::{
    domain::Identifier,
    flows::{
        Vestibule,
        users::register::{RegisterError, Registration, register},
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

/// Returns the registration form, or a redirect to `next` if the visitor is signed in. Fails with
/// [`ErrorCode::RegistrationClosed`] if registration is not open.
#[get("/register?<next>")]
pub fn register_page(
    next: Option<&str>,
    visitor: MaybeSignedIn,
    origin: csrf::RequestOrigin<'_>,
    vestibule: &State<AppState>,
    cookies: Cookies<'_>,
) -> Result<PageResponse, ApiError> {
    let next = target(vestibule, next.unwrap_or_default());
    if visitor.0.is_some() {
        return Ok(SeeOther(next).into());
    }
    if !vestibule.config.passwords.registration_open {
        return Err(RegisterError::Closed.into());
    }
    Ok(page("register", FormView { next, ..FormView::default() }, &origin, vestibule, cookies).into())
}

/// Creates an account and signs in. If the sign-in fails, redirects to the sign-in form. If no account was created, returns the
/// form with the error.
#[post("/register", data = "<form>")]
pub async fn register_form(
    _is_form: IsForm,
    form: Form<SubmittedForm<Registration>>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<PageResponse, ApiError> {
    let Form(sent) = form;
    let next = target(vestibule, &sent.next);
    if !vestibule.config.passwords.registration_open {
        return Err(RegisterError::Closed.into());
    }
    if let Err(error) = form_token::check(&origin, cookies, vestibule, &sent.csrf_token) {
        // A page of another origin may have filled the form in, so the typed text is not displayed again.
        let shown = FormView { next, failure: Some(error.into()), ..FormView::default() };
        return Ok(page("register", shown, &origin, vestibule, cookies).into());
    }
    match create_account(sent.fields, vestibule, caller, cookies).await {
        Ok(Account::SignedIn) => Ok(SeeOther(next).into()),
        Ok(Account::NotSignedIn) => {
            let login = with_query("/login", "next", &next);
            Ok(SeeOther(format!("{login}&notice=registered")).into())
        }
        Err(failure) => {
            let (username, email) = (sent.username, sent.email);
            let shown = FormView { next, username, email, failure: Some(failure), ..FormView::default() };
            Ok(page("register", shown, &origin, vestibule, cookies).into())
        }
    }
}

/// The result of a successful registration.
enum Account {
    /// The account was created and a session was opened.
    SignedIn,
    /// The account was created, but no session was opened. For example, the rate limit of sign-ins was reached. Or the server
    /// requires a fingerprint, which only a script can send.
    NotSignedIn,
}

/// Creates an account and tries to open a session. Fails only if no account was created.
async fn create_account(
    registration: Result<Registration, ApiError>,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Account, Failure> {
    let registration = registration?;
    let password = registration.password.clone();
    let username = registration.username.clone().map(Identifier::Username);
    let identifier = username.or_else(|| registration.email.clone().map(Identifier::Email));
    register(vestibule, registration, caller.network, &caller.context()).await.map_err(ApiError::from)?;
    let Some(identifier) = identifier else { return Ok(Account::NotSignedIn) };
    let signed_in = open_session((identifier, password), None, vestibule, caller, cookies).await;
    Ok(if signed_in.is_ok() { Account::SignedIn } else { Account::NotSignedIn })
}

//! `/setup`: the page on which the first admin is made, by means of the link that a start prints. For an admin who is signed in
//! it shows what to check about the installation.

use rocket::{State, get, http::Status, post};
use serde_json::{Value, json};

use super::{
    Page, PageResponse, SeeOther, checks, failure::Failure, form_token, login::open_session, signed_in::MaybeSignedIn,
    submitted_form::SubmittedForm, texts,
};
use crate::{
    domain::{Identifier, one_time::LinkSecret, permission::ADMIN_ROLE},
    flows::{
        Vestibule,
        links::set_up::{FirstAdmin, SetUpError, inspect_setup_link, set_up},
        steps::link::LinkError,
        users::register::Registration,
    },
    http::{
        api::users::{EMAIL, USERNAME},
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode},
        request::{
            body::{Fields, Form, FromFields, IsForm},
            caller::Caller,
            field::{Field, Kind, optional, required},
        },
    },
};

/// Returns the form for the first admin, if the link works. Without a link, returns the checks to an admin who is signed in.
#[get("/setup?<token>")]
pub async fn setup_page(
    token: Option<&str>,
    visitor: MaybeSignedIn,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<PageResponse, ApiError> {
    match (token, visitor.0) {
        (Some(token), _) => Ok(form_page(token, Shown::default(), vestibule, caller, cookies).await?.into()),
        (None, Some(visitor)) if visitor.has_role(ADMIN_ROLE) => Ok(checks_page(vestibule).into()),
        (None, Some(_)) => Ok(void().into()),
        (None, None) => Ok(SeeOther("/login?next=/setup".to_owned()).into()),
    }
}

/// The account of the form, which also has the token of the link.
#[derive(Debug)]
pub struct SetupForm(FirstAdmin);

impl FromFields for SetupForm {
    const FIELDS: &'static [Field] = &[
        required("token", Kind::Opaque, "The token of the link."),
        optional("username", USERNAME, "The username of the first admin."),
        optional("email", EMAIL, "The email address of the first admin."),
        required("password", Kind::Password, "The password of the first admin."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        fields.required("token", |_| Ok::<_, &str>(()));
        let Registration { username, email, password } = Registration::read(fields, vestibule)?;
        Some(Self(FirstAdmin { username, email, password }))
    }
}

/// Makes the first admin, signs them in and leads to the checks.
#[post("/setup", data = "<form>")]
pub async fn setup_form(
    _is_form: IsForm,
    form: Form<SubmittedForm<SetupForm>>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<PageResponse, ApiError> {
    let Form(sent) = form;
    let token = sent.token;
    if let Err(error) = form_token::check(&origin, cookies, vestibule, &sent.csrf_token) {
        // A page of another origin may have filled the form in, so the typed text is not displayed again.
        let shown = Shown { failure: Some(error.into()), ..Shown::default() };
        return Ok(form_page(&token, shown, vestibule, caller, cookies).await?.into());
    }
    let typed = |failure| Shown { username: sent.username.clone(), email: sent.email.clone(), failure: Some(failure) };
    let admin = match sent.fields {
        Ok(SetupForm(admin)) => admin,
        Err(error) => {
            return Ok(form_page(&token, typed(error.into()), vestibule, caller, cookies).await?.into());
        }
    };
    let Some(secret) = LinkSecret::parse(&token) else { return Ok(void().into()) };
    let username = admin.username.clone().map(Identifier::Username);
    let identifier = username.or_else(|| admin.email.clone().map(Identifier::Email));
    let password = admin.password.clone();
    match set_up(vestibule, &secret, admin, caller.network, &caller.context()).await {
        Ok(()) => {
            // If the sign-in fails, for example because it requires a fingerprint, the page leads to the sign-in form.
            if let Some(identifier) = identifier {
                open_session((identifier, password), None, vestibule, caller, cookies).await.ok();
            }
            Ok(SeeOther("/setup".to_owned()).into())
        }
        Err(SetUpError::Link(LinkError::Void)) => Ok(void().into()),
        Err(error) => {
            let failure = match error {
                SetUpError::Taken(taken) => {
                    Failure::field(Status::Conflict, taken.field(), texts::of_code(ErrorCode::AlreadyExists))
                }
                error @ SetUpError::Link(_) => ApiError::from(error).into(),
            };
            Ok(form_page(&token, typed(failure), vestibule, caller, cookies).await?.into())
        }
    }
}

/// What the form shows besides its fields.
#[derive(Default)]
struct Shown {
    username: String,
    email: String,
    failure: Option<Failure>,
}

/// Returns the page with the form, or the page for a link that does not work.
async fn form_page(
    token: &str,
    shown: Shown,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Page, ApiError> {
    let Some(secret) = LinkSecret::parse(token) else { return Ok(void()) };
    match inspect_setup_link(vestibule, &secret, &caller.context()).await {
        Ok(()) => {}
        Err(LinkError::Void) => return Ok(void()),
        Err(error) => return Err(error.into()),
    }
    let failure = shown.failure.as_ref();
    let context = json!({
        "state": "form",
        "token": token,
        "csrf_token": form_token::issue(cookies, vestibule),
        "typed": {"username": shown.username, "email": shown.email},
        "error": failure.map(Failure::sentence),
        "problems": failure.map_or_else(|| json!({}), Failure::problems),
        "username_field": vestibule.config.passwords.username_field.as_str(),
        "password_min_length": vestibule.config.passwords.min_length,
        "checks": [],
    });
    let page = Page::new("setup", context);
    Ok(match failure {
        Some(failure) => failure.on(page),
        None => page,
    })
}

/// Returns the page for a link that does not work, or does not work any longer.
fn void() -> Page {
    Page::new("setup", empty("void", json!([]))).refused(Status::NotFound, None).because("not_found")
}

/// Returns the page with the checks of the installation.
fn checks_page(vestibule: &Vestibule) -> Page {
    let checks = [
        checks::https(vestibule),
        checks::registration(vestibule),
        checks::backups(vestibule),
        checks::secret(vestibule),
    ]
    .map(|check| checks::shown(vestibule, check));
    Page::new("setup", empty("checks", json!(checks)))
}

/// Returns the values of the page without a form.
fn empty(state: &str, checks: Value) -> Value {
    json!({"state": state, "checks": checks, "error": null, "problems": {}, "typed": {}, "username_field": "", "token": ""})
}

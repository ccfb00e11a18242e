//! `/link`: the page on which the holder of a link chooses a password. Opening it uses nothing up.

use rocket::{State, get, http::Status, post};
use serde_json::{Value, json};

use super::{Page, PageResponse, SeeOther, failure::Failure, form_token, submitted_form::SubmittedForm};
use crate::{
    domain::{
        one_time::{LinkPurpose, LinkSecret},
        password::Password,
    },
    flows::{
        Vestibule,
        links::use_link::{inspect_link, use_link},
        steps::link::LinkError,
    },
    http::{
        api::users::new_password,
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::ApiError,
        request::{
            body::{Fields, Form, FromFields, IsForm},
            caller::Caller,
            field::{Field, Kind, required},
        },
    },
};

/// Returns the form for a password, if the link works.
#[get("/link?<token>")]
pub async fn link_page(
    token: Option<&str>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Page, ApiError> {
    page(token.unwrap_or_default(), None, vestibule, caller, cookies).await
}

/// The password of the form, which also has the token of the link.
#[derive(Debug)]
pub struct ChosenPassword(Password);

impl FromFields for ChosenPassword {
    const FIELDS: &'static [Field] = &[
        required("token", Kind::Opaque, "The token of the link."),
        required("password", Kind::Password, "The new password."),
    ];

    fn read(fields: &mut Fields, vestibule: &Vestibule) -> Option<Self> {
        fields.required("token", |_| Ok::<_, &str>(()));
        fields.required("password", new_password(vestibule)).map(Self)
    }
}

/// Sets the password, and leads to the sign-in. Returns the form with the error if the link still works.
#[post("/link", data = "<form>")]
pub async fn link_form(
    _is_form: IsForm,
    form: Form<SubmittedForm<ChosenPassword>>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> Result<PageResponse, ApiError> {
    let Form(sent) = form;
    let token = sent.token;
    if let Err(error) = form_token::check(&origin, cookies, vestibule, &sent.csrf_token) {
        return Ok(page(&token, Some(error.into()), vestibule, caller, cookies).await?.into());
    }
    let chosen = match sent.fields {
        Ok(ChosenPassword(password)) => password,
        Err(error) => return Ok(page(&token, Some(error.into()), vestibule, caller, cookies).await?.into()),
    };
    let Some(secret) = LinkSecret::parse(&token) else {
        return Ok(void().into());
    };
    match use_link(vestibule, &secret, &chosen, caller.network, &caller.context()).await {
        Ok(_) => Ok(SeeOther("/login?notice=password_chosen".to_owned()).into()),
        Err(LinkError::Void) => Ok(void().into()),
        Err(error) => {
            let failure = Failure::from(ApiError::from(error));
            Ok(page(&token, Some(failure), vestibule, caller, cookies).await?.into())
        }
    }
}

/// Returns the page with the form, or the page for a link that does not work.
async fn page(
    token: &str,
    failure: Option<Failure>,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<Page, ApiError> {
    let Some(secret) = LinkSecret::parse(token) else { return Ok(void()) };
    let (purpose, user) = match inspect_link(vestibule, &secret, caller.context().now).await {
        Ok(found) => found,
        Err(LinkError::Void) => return Ok(void()),
        Err(error) => return Err(error.into()),
    };
    let context = json!({
        "works": true,
        "is_invitation": purpose == LinkPurpose::Invite,
        "token": token,
        "csrf_token": form_token::issue(cookies, vestibule),
        "name": user.username.or(user.email),
        "error": failure.as_ref().map(Failure::sentence),
        "problems": failure.as_ref().map_or_else(|| json!({}), Failure::problems),
        "password_min_length": vestibule.config.passwords.min_length,
    });
    let page = Page::new("link", context);
    Ok(match failure {
        Some(failure) => failure.on(page),
        None => page,
    })
}

/// Returns the page for a link that does not work, or does not work any longer.
fn void() -> Page {
    let context = json!({"works": false, "error": Value::Null, "problems": {}});
    Page::new("link", context).refused(Status::NotFound, None).because("not_found")
}

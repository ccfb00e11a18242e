//! `/` and `/login`: the sign-in with a form that needs no script. The tokens are returned in cookies.

use rocket::{State, get, http::Status, post};
use serde_json::{Value, json};

use super::{
    ACCOUNT, Page, PageResponse, SeeOther, cookie_diagnostics, devices, ended, failure::Failure, form_token, privacy,
    signed_in::MaybeSignedIn, submitted_form::SubmittedForm, texts, with_query,
};
use crate::{
    config::{FingerprintConsent, FingerprintPolicy},
    domain::{Email, Identifier, SessionId, client::DEFAULT_CLIENT, password::Password},
    flows::{
        self, Vestibule,
        sessions::login::{Login, LoginError},
        steps::client,
    },
    http::{
        api::{
            audience::audience_in_cookie,
            login::{END_SESSION, end_session},
        },
        app_state::AppState,
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode},
        request::{
            body::{Fields, Form, FromFields, IsForm},
            caller::Caller,
            field::{Field, Kind, required},
        },
    },
};

/// Redirects to the account page if the browser has a cookie with a token, otherwise to the sign-in form. The token is not
/// verified here, because the account page does that.
#[get("/")]
pub fn start(cookies: Cookies<'_>) -> SeeOther {
    SeeOther(if cookies.has_token() { ACCOUNT } else { "/login" }.to_owned())
}

/// Returns the sign-in form, or a redirect to `next` if the visitor is already signed in.
#[get("/login?<next>&<notice>")]
pub fn login_page(
    next: Option<&str>,
    notice: Option<&str>,
    visitor: MaybeSignedIn,
    origin: csrf::RequestOrigin<'_>,
    vestibule: &State<AppState>,
    cookies: Cookies<'_>,
) -> PageResponse {
    let next = target(vestibule, next.unwrap_or_default());
    match visitor {
        MaybeSignedIn(Some(_)) => SeeOther(next).into(),
        MaybeSignedIn(None) => {
            let ended = ended::take_sentence(cookies);
            let shown = FormView { next, notice: texts::notice(notice), ended, ..FormView::default() };
            page("login", shown, &origin, vestibule, cookies).into()
        }
    }
}

/// The name and the password from the sign-in form.
#[derive(Debug)]
pub struct Credentials {
    identifier: Identifier,
    password: Password,
    end_session: Option<SessionId>,
}

impl FromFields for Credentials {
    const FIELDS: &'static [Field] = &[
        required("username", Kind::Text(Email::MAX_BYTES), "The username or the email address of the account."),
        required("password", Kind::Password, "The password of the account."),
        END_SESSION,
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let identifier = fields.required("username", Identifier::parse);
        let password = fields.required("password", Password::parse);
        let end_session = end_session(fields);
        Some(Self { identifier: identifier?, password: password?, end_session })
    }
}

/// Signs a user in with the form. With an empty `base_path`, the API's `login` has the same path; because of `IsForm`, requests
/// with JSON are forwarded to it. After success the response is a redirect to `next`, otherwise the form with the error.
#[post("/login", data = "<form>")]
pub async fn login_form(
    _is_form: IsForm,
    form: Form<SubmittedForm<Credentials>>,
    vestibule: &State<AppState>,
    caller: &Caller,
    cookies: Cookies<'_>,
    origin: csrf::RequestOrigin<'_>,
) -> PageResponse {
    let Form(sent) = form;
    let next = target(vestibule, &sent.next);
    if let Err(error) = form_token::check(&origin, cookies, vestibule, &sent.csrf_token) {
        // A page of another origin may have filled the form in, so the typed text is not displayed again.
        let shown = FormView { next, failure: Some(error.into()), ..FormView::default() };
        return page("login", shown, &origin, vestibule, cookies).into();
    }
    match sign_in(sent.fields, vestibule, caller, cookies).await {
        Ok(()) => SeeOther(next).into(),
        Err(Refusal { failure, devices }) => {
            let username = sent.username;
            let shown = FormView { next, username, failure: Some(failure), devices, ..FormView::default() };
            page("login", shown, &origin, vestibule, cookies).into()
        }
    }
}

/// A refused sign-in.
pub(super) struct Refusal {
    failure: Failure,
    /// The devices of the person, if the sign-in would exceed their limit. The password was right.
    devices: Vec<Value>,
}

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { failure: error.into(), devices: Vec::new() }
    }
}

/// Opens a session with the credentials of the form, if they could be read.
async fn sign_in(
    credentials: Result<Credentials, ApiError>,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<(), Refusal> {
    let Credentials { identifier, password, end_session } = credentials?;
    open_session((identifier, password), end_session, vestibule, caller, cookies).await
}

/// Opens a session for this browser and sets its cookies. The form sends no fingerprint, so the session is not bound to a
/// device. `end_session` makes room for it if the limit of devices is reached. Fails if the server does not accept tokens in
/// cookies, or if it requires a fingerprint.
pub(super) async fn open_session(
    (identifier, password): (Identifier, Password),
    end_session: Option<SessionId>,
    vestibule: &Vestibule,
    caller: &Caller,
    cookies: Cookies<'_>,
) -> Result<(), Refusal> {
    if !vestibule.config.tokens.location.cookies {
        return Err(Failure::new(Status::Forbidden, "cookies_off").into());
    }
    // The form can't send a fingerprint, but it can list the devices, so that a script can then sign in.
    let only_asks = vestibule.config.devices.fingerprint == FingerprintPolicy::Require;
    let client = client::public_client(vestibule, DEFAULT_CLIENT).map_err(ApiError::from)?;
    let audience = audience_in_cookie(client.settings(), None, vestibule)?;
    let request = Login {
        identifier,
        password,
        fingerprint: None,
        device_ids: cookies.device_ids(),
        audience,
        device_name: None,
        client,
        scope: None,
        end_session,
        only_asks,
    };
    let opened = flows::sessions::login::login(vestibule, request, caller.network, &caller.context()).await;
    match opened {
        Ok(tokens) => {
            cookies.set(&tokens);
            Ok(())
        }
        Err(LoginError::DeviceLimit(limit, live)) => {
            let devices = live.iter().map(|session| devices::device(session, None, None)).collect();
            let failure = ApiError::from(LoginError::DeviceLimit(limit, live));
            Err(Refusal { failure: Failure::from(failure).with_sentence("device_limit_choice"), devices })
        }
        Err(LoginError::OnlyAsked) => Err(Failure::new(Status::UnprocessableEntity, "javascript_required").into()),
        Err(error) => Err(ApiError::from(error).into()),
    }
}

/// The variable content of the page with a form: the target, a notice, the typed text and the error.
#[derive(Debug, Default)]
pub(super) struct FormView {
    pub next: String,
    pub notice: Option<&'static str>,
    /// Why the browser was signed out.
    pub ended: Option<&'static str>,
    pub username: String,
    pub email: String,
    pub failure: Option<Failure>,
    /// The devices of which one may be signed out, to make room for this sign-in.
    pub devices: Vec<Value>,
}

/// Returns the page with a form that is sent before there is a session: for sign-in or registration. `name` is the name of the
/// template.
pub(super) fn page(
    name: &'static str,
    shown: FormView,
    origin: &csrf::RequestOrigin<'_>,
    vestibule: &Vestibule,
    cookies: Cookies<'_>,
) -> Page {
    let config = &vestibule.config;
    let trouble = cookie_diagnostics::diagnose(origin.request(), vestibule);
    let failure = shown.failure.as_ref();
    let next_query = if shown.next == ACCOUNT { String::new() } else { with_query("", "next", &shown.next) };
    let context = json!({
        "csrf_token": form_token::issue(cookies, vestibule),
        "next": shown.next,
        "next_query": next_query,
        "notice_text": shown.notice,
        "ended": shown.ended,
        "typed": {"username": shown.username, "email": shown.email},
        // The host of an application to which the browser goes afterwards; null for a page of this server.
        "next_host": vestibule.redirects.read(&shown.next).and_then(|target| target.host()),
        "error": failure.map(Failure::sentence),
        "error_code": failure.map(Failure::code),
        "wait": failure.and_then(Failure::wait),
        "devices": shown.devices,
        "problems": failure.map_or_else(|| json!({}), Failure::problems),
        "contact": privacy::contact(vestibule),
        "can_sign_in": config.tokens.location.cookies,
        "trouble_found": trouble,
        "username_field": config.passwords.username_field.as_str(),
        "password_min_length": config.passwords.min_length,
        "registration_open": config.passwords.registration_open,
        "asks_for_consent": config.devices.consent == FingerprintConsent::Ask,
        "fingerprint_required": config.devices.fingerprint == FingerprintPolicy::Require,
    });
    let page = Page::new(name, context);
    match failure {
        Some(failure) => failure.on(page),
        None => page,
    }
}

/// Returns the address to which the browser is redirected afterwards: `next` if it is allowed, otherwise the account page.
pub(super) fn target(vestibule: &Vestibule, next: &str) -> String {
    vestibule.redirects.read(next).map_or_else(|| ACCOUNT.to_owned(), |target| target.as_str().to_owned())
}

/// A failure without an [`ApiError`]. It has the status and the sentence of the code.
impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::new(Status::new(code.status()), code.as_str())
    }
}

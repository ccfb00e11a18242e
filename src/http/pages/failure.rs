//! The presentation of a refused request to a person. The error is displayed at its form. If there is no form, it is displayed
//! on an error page.

use rocket::{
    Request,
    http::{Header, Method, Status},
    response::{self, Responder},
};
use serde_json::{Map, Value, json};

use super::{humanize, render::Page, texts};
use crate::{
    flows::Vestibule,
    http::{
        app_state::app_state,
        errors::{ApiError, ErrorCode},
        request::request_id::RequestId,
    },
};

/// A refusal, as a page displays it.
#[derive(Debug)]
pub struct Failure {
    /// The status of the response.
    status: Status,
    /// The error code, or the key of the sentence if the failure has no code.
    code: &'static str,
    /// Seconds after which the user may try again; `None` if waiting does not help.
    retry_after: Option<u64>,
    /// The sentence for the person.
    sentence: String,
    /// The message of each invalid field, by the name of the field.
    problems: Map<String, Value>,
}

impl Failure {
    /// Creates a failure. `key` names its sentence in the section `errors` of the texts.
    pub fn new(status: Status, key: &'static str) -> Self {
        Self { status, code: key, retry_after: None, sentence: texts::error(key).to_owned(), problems: Map::new() }
    }

    /// Creates a failure with one invalid field. The page displays `message` after the label of the field.
    pub fn field(status: Status, name: &str, message: &str) -> Self {
        let mut failure = Self::new(status, ErrorCode::InvalidRequest.as_str());
        failure.problems.insert(name.to_owned(), message.into());
        failure
    }

    /// Replaces the sentence by the sentence `key` of the section `errors`.
    pub fn with_sentence(self, key: &str) -> Self {
        Self { sentence: texts::error(key).to_owned(), ..self }
    }

    /// Replaces the sentence.
    pub fn saying(self, sentence: String) -> Self {
        Self { sentence, ..self }
    }

    /// Returns the page with the status of the failure.
    pub fn on(&self, page: Page) -> Page {
        page.refused(self.status, self.retry_after).because(self.code)
    }

    /// Returns the sentence, which is the template's value `error`.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Returns the code, which is the template's value `error_code`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the seconds after which the user may try again, which is the template's value `wait`.
    pub fn wait(&self) -> Option<u64> {
        self.retry_after
    }

    /// Returns the message of each invalid field by the name of the field. This is the template's value `problems`.
    pub fn problems(&self) -> Value {
        Value::Object(self.problems.clone())
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let wait = humanize::wait(error.retry_after().unwrap_or_default());
        // The message of a taken name stands at its field.
        let code = match error.code() {
            ErrorCode::AlreadyExists if !error.bad_fields().is_empty() => ErrorCode::InvalidRequest,
            code => code,
        };
        let problems = error.bad_fields().iter().map(|bad| (bad.field.clone(), bad.message.clone().into()));
        Self {
            status: error.status(),
            code: error.code().as_str(),
            retry_after: error.retry_after(),
            sentence: texts::of_code(code).replace("{wait}", &wait),
            problems: problems.collect(),
        }
    }
}

/// Returns whether an error is rendered as a page: the client prefers HTML, as a browser does when it opens an address.
pub fn wants_page(request: &Request<'_>) -> bool {
    app_state(request).is_ok() && request.accept().is_some_and(|accept| accept.preferred().is_html())
}

/// The way on for a person after an error.
#[derive(Default)]
pub struct WayOn {
    /// The person who is signed in, if another account may help.
    pub who: Option<String>,
    /// The address that the person wanted, in percent-encoding. Empty if the browser can't return to it.
    pub next: String,
    /// The host of the address that the person wanted, if it is not in `allowed_redirect_hosts`.
    pub unlisted_host: Option<String>,
    /// Whether the request had content, which is lost.
    pub is_form: bool,
    /// Whether a proxy displays the page under the host of an application.
    pub is_elsewhere: bool,
}

impl WayOn {
    /// Returns the way on for a request to this server.
    fn of(request: &Request<'_>, vestibule: &Vestibule) -> Self {
        let is_page = matches!(request.method(), Method::Get | Method::Head);
        let uri = request.uri().to_string();
        let next = vestibule.redirects.read(&uri).filter(|_| is_page).map(|next| next.as_query_value());
        let base = vestibule.config.web.base_path.as_str();
        // A proxy may display the response to its own question, also if the question was refused.
        let is_elsewhere = request.uri().path().as_str().strip_prefix(base) == Some("/verify");
        Self {
            next: next.filter(|_| !is_elsewhere).unwrap_or_default(),
            is_form: !is_page,
            is_elsewhere,
            ..Self::default()
        }
    }

    /// Returns `path` on this server, with the address to return to as its parameter `next`.
    fn address(&self, vestibule: &Vestibule, path: &str) -> String {
        let server = if self.is_elsewhere { vestibule.config.web.public_url.as_str() } else { "" };
        let query = if self.next.is_empty() { String::new() } else { format!("?next={}", self.next) };
        format!("{server}{path}{query}")
    }

    /// Returns the links of the page, the most useful first.
    fn links(&self, vestibule: &Vestibule, code: ErrorCode) -> Value {
        let link = |key: &str, path: &str| json!({"label": texts::find("error_page", key), "address": self.address(vestibule, path)});
        let home = || {
            let address = Self { is_elsewhere: self.is_elsewhere, ..Self::default() }.address(vestibule, "/");
            json!({"label": texts::find("error_page", "home"), "address": address})
        };
        match code {
            code if is_about_a_token(code) => {
                json!([link("sign_in", &format!("{}/continue", vestibule.config.web.base_path))])
            }
            ErrorCode::RegistrationClosed => json!([link("sign_in", "/login")]),
            ErrorCode::InsufficientScope if self.who.is_some() => json!([link("other_account", "/logout"), home()]),
            _ => json!([home()]),
        }
    }
}

/// Returns whether a sign-in helps against an error: the token is missing or is not accepted.
fn is_about_a_token(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::MissingToken
            | ErrorCode::InvalidToken
            | ErrorCode::TokenExpired
            | ErrorCode::TokenRevoked
            | ErrorCode::WrongTokenType
    )
}

/// Returns the error page for a request to this server.
pub fn page(error: &ApiError, request: &Request<'_>) -> response::Result<'static> {
    let vestibule = app_state(request).map_err(|error| error.status())?;
    page_with(error, WayOn::of(request, vestibule), request)
}

/// Returns the error page. For an error of the server (5xx), the page displays the id of the request.
pub fn page_with(error: &ApiError, way: WayOn, request: &Request<'_>) -> response::Result<'static> {
    let vestibule = app_state(request).map_err(|error| error.status())?;
    let mut failure = Failure::from(error.clone());
    let is_signed_out = is_about_a_token(error.code());
    let title = match failure.status {
        _ if is_signed_out => "signed_out",
        Status::NotFound => "not_found",
        _ if error.code() == ErrorCode::RegistrationClosed => "closed",
        Status::Forbidden if error.code() == ErrorCode::InsufficientScope => "forbidden",
        _ => "title",
    };
    if is_signed_out {
        failure = failure.with_sentence(if way.is_form { "form_signed_out" } else { "signed_out" });
    }
    // With the id, the operator can find the request in the log.
    let id = (failure.status.code >= 500).then(|| RequestId::of(request).as_str().to_owned());
    let hint = texts::find("error_page", "unlisted").zip(way.unlisted_host.as_ref());
    let context = json!({
        "title": texts::find("error_page", title),
        "sentence": failure.sentence,
        "who": way.who,
        "links": way.links(vestibule, error.code()),
        "operator_hint": hint.map(|(hint, host)| hint.replace("{host}", host)),
        "request_id": id,
    });
    let page = failure.on(Page::new("error", context));
    let page = if way.is_elsewhere { page.elsewhere() } else { page };
    let mut response = page.respond_to(request)?;
    response.set_header(Header::new("X-Request-Id", RequestId::of(request).as_str().to_owned()));
    for (name, value) in [("Allow", error.allow().map(str::to_owned)), ("WWW-Authenticate", error.challenge())] {
        if let Some(value) = value {
            response.set_header(Header::new(name, value));
        }
    }
    Ok(response)
}

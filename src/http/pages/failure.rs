//! The presentation of a refused request to a person. The error is displayed at its form. If there is no form, it is displayed
//! on an error page.

use rocket::{
    Request,
    http::{Header, Status},
    response::{self, Responder},
};
use serde_json::{Map, Value, json};

use super::{humanize, render::Page, texts};
use crate::http::{
    app_state::app_state,
    errors::{ApiError, ErrorCode},
    request::request_id::RequestId,
};

/// The paths of the API outside of `base_path`. Their errors are always JSON, even for a browser.
const API: [&str; 6] = ["/users", "/token", "/.well-known", "/health", "/openapi.json", "/static"];

/// A refusal, as a page displays it.
#[derive(Debug)]
pub struct Failure {
    /// The status of the response.
    pub status: Status,
    /// Seconds after which the user may try again; `None` if waiting does not help.
    pub retry_after: Option<u64>,
    /// The sentence for the person.
    sentence: String,
    /// The message of each invalid field, by the name of the field.
    problems: Map<String, Value>,
}

impl Failure {
    /// Creates a failure. `key` names its sentence in the section `errors` of the texts.
    pub fn new(status: Status, key: &str) -> Self {
        Self { status, retry_after: None, sentence: texts::error(key).to_owned(), problems: Map::new() }
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

    /// Returns the sentence, which is the template's value `error`.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Returns the message of each invalid field by the name of the field. This is the template's value `problems`.
    pub fn problems(&self) -> Value {
        Value::Object(self.problems.clone())
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let wait = humanize::wait(error.retry_after().unwrap_or_default());
        let problems = error.bad_fields().iter().map(|bad| (bad.field.clone(), bad.message.clone().into()));
        Self {
            status: error.status(),
            retry_after: error.retry_after(),
            sentence: texts::of_code(error.code()).replace("{wait}", &wait),
            problems: problems.collect(),
        }
    }
}

/// Returns whether an error must be rendered as a page: the client accepts HTML, and the path does not belong to the API. Paths
/// below `base_path` belong to the API, except `continue`, which is a page. With an empty `base_path`, only the paths in
/// [`API`] belong to it.
pub fn wants_page(request: &Request<'_>) -> bool {
    let ranges = request.headers().get("Accept").flat_map(|list| list.split(','));
    let essence = |range: &str| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let takes_html = ranges.map(essence).any(|range| range == "text/html");
    let Ok(vestibule) = app_state(request) else { return false };
    let base = vestibule.config.web.base_path.as_str();
    let path = request.uri().path().as_str();
    let is_below = |start: &str| path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_continue = path.strip_prefix(base) == Some("/continue");
    let is_api = API.iter().any(|start| is_below(start)) || (!base.is_empty() && is_below(base));
    takes_html && (is_continue || !is_api)
}

/// Returns the error page. For an error of the server (5xx), the page displays the id of the request.
pub fn page(error: &ApiError, request: &Request<'_>) -> response::Result<'static> {
    let failure = Failure::from(error.clone());
    let title = if error.code() == ErrorCode::NotFound { "not_found" } else { "title" };
    // With the id, the operator can find the request in the log.
    let id = (failure.status.code >= 500).then(|| RequestId::of(request).as_str().to_owned());
    let context = json!({
        "title": texts::find("error_page", title),
        "sentence": failure.sentence,
        "request_id": id,
    });
    let mut response = Page::new("error", context).refused(failure.status, failure.retry_after).respond_to(request)?;
    response.set_header(Header::new("X-Request-Id", RequestId::of(request).as_str().to_owned()));
    if let Some(allow) = error.allow() {
        response.set_header(Header::new("Allow", allow.to_owned()));
    }
    Ok(response)
}

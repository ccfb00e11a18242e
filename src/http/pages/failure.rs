//! What a person sees when a request was refused: at its form where there is one, else on a page of its own.

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

/// Paths of the API beside `base_path`: it answers in JSON whoever asks.
const API: [&str; 9] =
    ["/users", "/admin", "/token", "/.well-known", "/health", "/ready", "/metrics", "/openapi.json", "/static"];

/// A refusal, for the page that shows it.
#[derive(Debug)]
pub struct Failure {
    /// The status of the answer.
    pub status: Status,
    /// Seconds after which to try again.
    pub retry_after: Option<u64>,
    sentence: String,
    problems: Map<String, Value>,
}

impl Failure {
    /// With a sentence of `errors` in the texts.
    pub fn new(status: Status, key: &str) -> Self {
        Self { status, retry_after: None, sentence: texts::error(key).to_owned(), problems: Map::new() }
    }

    /// One bad field, with what follows on its label.
    pub fn field(status: Status, name: &str, message: &str) -> Self {
        let mut failure = Self::new(status, ErrorCode::InvalidRequest.as_str());
        failure.problems.insert(name.to_owned(), message.into());
        failure
    }

    /// The same with another sentence.
    pub fn saying(self, key: &str) -> Self {
        Self { sentence: texts::error(key).to_owned(), ..self }
    }

    /// The sentence, for the page's `error`.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// What is wrong with each bad field, for the page's `problems`.
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

/// Whether an error is to be a page: asked for by a browser, and not of a path of the API.
pub fn is_wanted(request: &Request<'_>) -> bool {
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

/// An error as a page.
pub fn page(error: &ApiError, request: &Request<'_>) -> response::Result<'static> {
    let failure = Failure::from(error.clone());
    let title = if error.code() == ErrorCode::NotFound { "not_found" } else { "title" };
    // Of use where somebody can look for it in the log.
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

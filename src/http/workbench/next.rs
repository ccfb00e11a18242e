//! `/dev/next`: the answers of the next requests.

use rocket::{State, delete, get, post, response::status::NoContent, serde::json::Json};
use serde_json::{Value, json};

use super::plan::{MAX_PLANS, Planned, Plans};
use crate::{
    flows::Vestibule,
    http::{
        errors::{ApiError, ErrorCode, FieldError},
        request::{
            body::{Body, Fields, FromFields},
            field::{Field, Kind, optional},
        },
    },
};

/// The statuses that can be planned, each with the code of its error unless the body names another.
const STATUSES: [(u16, ErrorCode); 3] =
    [(401, ErrorCode::TokenExpired), (429, ErrorCode::TooManyRequests), (503, ErrorCode::StorageUnavailable)];

/// The maximum delay in milliseconds.
const MAX_DELAY: u32 = 60_000;

/// The maximum number of requests of one plan.
const MAX_TIMES: u32 = 1_000;

/// The value of `Retry-After` of a 429 and a 503, in seconds, unless the body has another.
const RETRY_AFTER: u32 = 2;

/// The maximum length of a path, in characters.
const MAX_PATH: usize = 200;

impl FromFields for Planned {
    const FIELDS: &'static [Field] = &[
        optional("status", Kind::Number(599), "401, 429 or 503. Without it, the requests are only delayed."),
        optional("error", Kind::Text(50), "The code of the error, one of those with this status."),
        optional("retry_after", Kind::Number(3_600), "`Retry-After` of a 429 or a 503, in seconds. By default 2."),
        optional("delay_ms", Kind::Number(MAX_DELAY), "The time before the answer, in milliseconds."),
        optional("times", Kind::Number(MAX_TIMES), "The number of requests. By default 1."),
        optional("path", Kind::Text(MAX_PATH), "The path of the requests; with `*` at its end, its beginning."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let status = fields.number("status", 599);
        let named = fields.optional("error", |code| Ok::<_, String>(code.to_owned()));
        let code = status.and_then(|status| {
            let code = code_of(status, named.as_deref());
            code.map_err(|FieldError { field, message }| fields.refuse(&field, message)).ok()
        });
        if status.is_none() && named.is_some() {
            fields.refuse("error", "needs a status");
        }
        let delay_ms = fields.number("delay_ms", MAX_DELAY);
        if status.is_none() && delay_ms.is_none() && fields.is_absent("status") && fields.is_absent("delay_ms") {
            fields.refuse("status", "is required if there is no delay_ms");
        }
        let wait = fields.number("retry_after", 3_600);
        let path = fields.optional("path", |path| {
            let is_path = path.starts_with('/') && path.chars().count() <= MAX_PATH;
            if is_path {
                Ok(path.to_owned())
            } else {
                Err(format!("must begin with / and have at most {MAX_PATH} characters"))
            }
        });
        let times = fields.number("times", MAX_TIMES).unwrap_or(1);
        if wait.is_some() && code.is_none_or(|code| code.status() == 401) {
            fields.refuse("retry_after", "needs the status 429 or 503");
        }
        let retry_after = code.filter(|code| matches!(code.status(), 429 | 503)).map(|_| wait.unwrap_or(RETRY_AFTER));
        Some(Self { code, retry_after, delay_ms: delay_ms.unwrap_or(0), times, path })
    }
}

/// Returns the error for a status and the code that the body names, if it names one.
fn code_of(status: u32, named: Option<&str>) -> Result<ErrorCode, FieldError> {
    let refuse = |field: &str, message: String| FieldError { field: field.to_owned(), message };
    let (status, usual) = STATUSES
        .into_iter()
        .find(|(known, _)| u32::from(*known) == status)
        .ok_or_else(|| refuse("status", "must be 401, 429 or 503".to_owned()))?;
    let Some(named) = named else { return Ok(usual) };
    let of_status = || ErrorCode::ALL.iter().copied().filter(move |code| code.status() == status);
    of_status().find(|code| code.as_str() == named).ok_or_else(|| {
        let known: Vec<_> = of_status().map(ErrorCode::as_str).collect();
        refuse("error", format!("must be one of: {}", known.join(", ")))
    })
}

/// Returns the plan as the API shows it.
fn view(planned: &Planned) -> Value {
    json!({
        "status": planned.code.map(ErrorCode::status),
        "error": planned.code.map(ErrorCode::as_str),
        "retry_after": planned.retry_after,
        "delay_ms": planned.delay_ms,
        "times": planned.times,
        "path": planned.path,
    })
}

/// Returns the plans that wait.
fn all(plans: &Plans) -> Json<Value> {
    Json(json!({"next": plans.list().iter().map(view).collect::<Vec<_>>()}))
}

/// Returns the plans that wait, the oldest first.
#[get("/dev/next")]
pub fn list_plans(plans: &State<Plans>) -> Json<Value> {
    all(plans)
}

/// Plans the answer of the next requests. Returns the plans that wait.
#[post("/dev/next", data = "<body>")]
pub fn plan(plans: &State<Plans>, body: Result<Body<Planned>, ApiError>) -> Result<Json<Value>, ApiError> {
    if !plans.add(body?.0) {
        let message = format!("can't be planned: there are {MAX_PLANS} plans already. DELETE /dev/next removes them");
        return Err(ApiError::field("times", message));
    }
    Ok(all(plans))
}

/// Removes all plans.
#[delete("/dev/next")]
pub fn clear_plans(plans: &State<Plans>) -> NoContent {
    plans.clear();
    NoContent
}

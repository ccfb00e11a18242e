//! `/health` reports that the process is alive, and `/ready` whether it can do its work.

use std::{collections::BTreeMap, io::Cursor};

use rocket::{
    Request, Response, State, get,
    response::{self, Responder},
    serde::json::Json,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    flows::readiness::{self, Check, readiness},
    http::{
        app_state::AppState,
        errors::{ApiError, BUSY_RETRY_AFTER, ErrorCode},
        request::{log_entry::LogEntry, request_id::RequestId},
    },
};

/// The state of the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of the server.
    version: &'static str,
}

/// Reports that the server is running. Does not use the database, so a failure of the database is not reported.
#[get("/health")]
pub fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// What the server can do now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// Always `ready`. A server that is not ready responds with 503.
    status: &'static str,
    /// The version of the server.
    version: &'static str,
    /// The checks, by name.
    checks: BTreeMap<&'static str, CheckView>,
}

/// The result of a check.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    /// `ok`, `warning` or `failed`. A server with a failed check is not ready.
    state: &'static str,
    /// What the result means, in one sentence.
    detail: &'static str,
}

impl From<Check> for CheckView {
    fn from(Check { state, detail, .. }: Check) -> Self {
        let state = match state {
            readiness::State::Ok => "ok",
            readiness::State::Warning => "warning",
            readiness::State::Failed => "failed",
        };
        Self { state, detail }
    }
}

/// The response of a server that is not ready: the usual error body, with the checks.
pub struct NotReady(BTreeMap<&'static str, CheckView>);

impl<'r> Responder<'r, 'static> for NotReady {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let failed = self.0.iter().filter(|(_, check)| check.state == "failed");
        let failed = failed.map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let detail = format!("The server is not ready; failed checks: {failed}.");
        let error = ApiError::busy(ErrorCode::StorageUnavailable, &detail, BUSY_RETRY_AFTER);
        LogEntry::of(request).set_error(error.code().as_str());
        let id = RequestId::of(request).as_str();
        let mut response: Response<'static> = error.render(id, "problem+json");
        let mut body: Value = serde_json::from_str(&error.body(id)).unwrap_or_default();
        body["checks"] = serde_json::to_value(&self.0).unwrap_or_default();
        let body = body.to_string();
        response.set_sized_body(body.len(), Cursor::new(body));
        Ok(response)
    }
}

/// Reports whether the server can do its work: whether the database can be written, a key signs, the tables are of this version
/// and no damage was found. A warning does not make the server unready.
#[get("/ready")]
pub async fn ready(vestibule: &State<AppState>) -> Result<Json<Ready>, NotReady> {
    let checks = readiness(vestibule).await;
    let is_ready = checks.iter().all(|check| check.state != readiness::State::Failed);
    let checks = checks.into_iter().map(|check| (check.name, check.into())).collect();
    match is_ready {
        true => Ok(Json(Ready { status: "ready", version: env!("CARGO_PKG_VERSION"), checks })),
        false => Err(NotReady(checks)),
    }
}

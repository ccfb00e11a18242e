//! `/health`: reports that the server is running.

use rocket::{get, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

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

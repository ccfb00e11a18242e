//! `/health`: whether the process lives.

use rocket::{get, serde::json::Json};
use serde::Serialize;
use utoipa::ToSchema;

/// What `/health` says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version that runs.
    version: &'static str,
}

/// Says that the process lives. Asks nothing of the database.
#[get("/health")]
pub fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

//! `/dev`: the page of the workbench, and `/dev/requests`, which it asks again and again.

use rocket::{State, get, serde::json::Json};
use serde_json::{Value, json};

use super::traffic::Traffic;
use crate::http::{app_state::AppState, pages::Page};

/// Returns the page.
#[get("/dev")]
pub fn dev_page(vestibule: &State<AppState>) -> Page {
    Page::new("dev", json!({"docs": vestibule.config.web.docs && cfg!(feature = "docs")}))
}

/// Returns the latest requests, the oldest first: those after the number `after`. `start` differs at each start of the server.
#[get("/dev/requests?<after>")]
pub fn list_requests(after: Option<u64>, traffic: &State<Traffic>) -> Json<Value> {
    Json(json!({"start": traffic.start, "requests": traffic.since(after.unwrap_or(0))}))
}

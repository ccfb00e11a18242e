//! `/dev`: the page of the workbench. `/dev/requests`: the latest requests, which the visible page reads every second.

use rocket::{State, get, serde::json::Json};
use serde_json::{Value, json};

use super::traffic::Traffic;
use crate::http::{app_state::AppState, pages::Page};

/// Returns the page.
#[get("/dev")]
pub fn dev_page(vestibule: &State<AppState>) -> Page {
    Page::new("dev", json!({"docs": vestibule.config.web.docs && cfg!(feature = "docs")}))
}

/// Returns the latest requests, at most 200, the oldest first. With `after`, returns only those with a greater number. `start`
/// is a text that differs at each start of the server: then the numbers begin again at 1.
#[get("/dev/requests?<after>")]
pub fn list_requests(after: Option<u64>, traffic: &State<Traffic>) -> Json<Value> {
    Json(json!({"start": traffic.start, "requests": traffic.since(after.unwrap_or(0))}))
}

//! `POST /auth/register` and `/users/me`: a person and their own account.

mod account;
mod leaving;
mod registration;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Answer, Server};

/// A valid password that differs from `PASSWORD`.
const OTHER: &str = "seven lighthouses in the fog";

/// The fields of a user in a response.
const USER: [&str; 9] =
    ["id", "username", "email", "email_verified", "disabled", "roles", "permissions", "claims", "created_at"];

fn register(server: &Server, body: Value) -> Answer {
    server.post("/auth/register", body)
}

/// Returns the names of the fields in a response.
#[track_caller]
fn fields(answer: &Answer) -> BTreeSet<&str> {
    answer.body.as_object().expect("an object").keys().map(String::as_str).collect()
}

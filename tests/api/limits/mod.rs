//! The limits of attempts by address, by typed name and by session, and of the passwords that are hashed at once.

mod alike;
mod at_once;
mod logins;
mod sessions;
mod users;

use serde_json::json;

use crate::support::{Answer, Server, Settings};

/// A password that no user has.
const WRONG: &str = "a short swim in the lake";

/// Starts a server with these limits.
fn with(limits: &[(&'static str, &str)]) -> Server {
    Server::with(settings(limits))
}

/// Returns limits as settings.
fn settings(limits: &[(&'static str, &str)]) -> Settings {
    limits.iter().map(|(name, value)| (*name, json!(value))).collect()
}

/// Tries to log in with a wrong password and these headers, which may name the client's address.
fn login_from(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let call = headers.iter().fold(server.call("POST", "/auth/login"), |call, (name, value)| call.header(name, value));
    call.json(json!({"username": "nobody", "password": WRONG})).send()
}

/// Checks a 429. Returns the seconds after which the client may try again.
#[track_caller]
fn too_many(answer: Answer) -> i64 {
    let answer = answer.expect_error(429, "too_many_requests");
    let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
    let seconds: i64 = seconds.expect("Retry-After in seconds");
    assert!(seconds >= 1 && answer.text_at("detail").contains(&seconds.to_string()));
    seconds
}

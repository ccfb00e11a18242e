//! Tests with invalid access and refresh tokens (RFC 8725).

mod claims;
mod forged;
mod validity;

use serde_json::{Value, json};

use crate::support::{Answer, Server};

fn me(server: &Server, token: &str) -> Answer {
    server.call("GET", "/users/me").bearer(token).send()
}

/// Checks that the server refuses a token as an invalid access token. `what` describes the token.
#[track_caller]
fn refused(server: &Server, what: &str, token: &str) {
    let answer = me(server, token);
    assert_eq!((answer.status, answer.body["error"].as_str()), (401, Some("invalid_token")), "{what}");
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with(r#"Bearer realm="vestibule", error="invalid_token""#), "{what}: {challenge}");
}

/// The secret with which the server of [`with_known_key`] signs.
const SHARED: &str = "kZ8vQ2mX7pR4tW9yB3nF6hJ1cL5dG0sA";

/// Starts a server whose signing key the test knows.
fn with_known_key(more: Vec<(&'static str, Value)>) -> Server {
    Server::with([vec![("secret_key", json!(SHARED))], more].concat())
}

//! Tests of the judge (`support/judge.rs`): it finds each kind of difference between a response and `/openapi.json`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use crate::support::{
    Server,
    judge::{Exchange, Mounted, of_the_binary, routes_of_the_binary},
};

const PROBLEM: &str = "application/problem+json";

/// Returns what is wrong with a response. Returns `None` if it is as documented, or if no operation describes it.
fn verdict(method: &str, target: &str, status: u16, content_type: &str, text: &str) -> Option<String> {
    let exchange = Exchange {
        method,
        target,
        sent_type: Some("application/json"),
        status,
        content_type: Some(content_type),
        has_request_id: true,
        text,
    };
    let judged = catch_unwind(AssertUnwindSafe(|| of_the_binary(&exchange)));
    judged.err().map(|panic| *panic.downcast::<String>().expect("a text"))
}

/// Returns what is wrong with a response of `/health` that has this body; `None` if nothing is wrong.
fn health(body: &Value) -> Option<String> {
    verdict("GET", "/health", 200, "application/json", &body.to_string())
}

/// Checks that the judge found a difference, and that its message contains `reason`.
#[track_caller]
fn finds(verdict: Option<String>, reason: &str) {
    let verdict = verdict.unwrap_or_else(|| panic!("not found: {reason}"));
    assert!(verdict.contains(reason), "{reason:?} is not in {verdict:?}");
}

#[test]
fn the_judge_accepts_documented_responses() {
    assert_eq!(health(&json!({"status": "ok", "version": "1"})), None);
    assert_eq!(verdict("DELETE", "/auth/sessions/01?x=1", 204, "", ""), None);
    assert_eq!(verdict("GET", "/login", 200, "text/html; charset=utf-8", "<html>"), None);
    assert_eq!(verdict("HEAD", "/health", 200, "application/json", ""), None);
}

#[test]
fn the_judge_finds_responses_that_are_not_documented() {
    let problem = json!({
        "error": "not_found", "error_description": "x", "detail": "x", "title": "x", "status": 404, "request_id": "x",
    });
    let deleted = |status, kind, body: &str| verdict("DELETE", "/auth/sessions/01", status, kind, body);
    assert_eq!(deleted(404, PROBLEM, &problem.to_string()), None);
    finds(deleted(200, "application/json", "{}"), "this status is not documented");
    finds(deleted(418, PROBLEM, &problem.to_string()), "this status is not documented");
    finds(deleted(204, "", "x"), "a body, where none is documented");
    finds(deleted(404, "application/json", &problem.to_string()), "the content type \"application/json\"");
    finds(deleted(404, "text/plain", "x"), "the content type \"text/plain\"");
    assert_eq!(deleted(404, "text/html; charset=utf-8", "<html>"), None);
    finds(deleted(404, PROBLEM, "{"), "the body is not JSON");
    // The code `not_found` belongs to another status than 401.
    finds(deleted(401, PROBLEM, &problem.to_string()), "the body does not fit its schema");
    finds(health(&json!({"status": "ok"})), "\"version\" is a required property");
    finds(health(&json!({"status": "ok", "version": 1})), "/version");
    finds(health(&json!({"status": "ok", "version": "1", "more": 1})), "'more' was unexpected");
    // The page does not document 303, and `default` covers only errors.
    finds(verdict("GET", "/privacy", 303, "", ""), "this status is not documented");
}

#[test]
fn a_field_that_is_not_described_is_found_at_any_depth() {
    let session = json!({
        "id": "x", "jti": "x", "device_name": null, "created_at": "2027-01-15T08:00:00Z",
        "last_used_at": "2027-01-15T08:00:00Z", "expires_at": "2027-01-15T08:00:00Z", "ip": null, "user_agent": null,
        "client_id": "default", "device_bound": false, "current": true,
    });
    let list = |session: &Value| {
        verdict("GET", "/auth/active_sessions", 200, "application/json", &json!([session]).to_string())
    };
    let mut more = session.clone();
    more["more"] = json!(1);
    finds(list(&more), "'more' was unexpected");
    let mut other = session;
    other["created_at"] = json!("yesterday");
    finds(list(&other), "/0/created_at");
}

#[test]
fn a_response_that_no_operation_describes_is_not_compared() {
    for (method, target, status) in [
        ("GET", "/nowhere", 404),
        ("OPTIONS", "/health", 204),
        ("POST", "/health", 405),
        // A path of the predecessors, which the document leaves out.
        ("POST", "/api/token", 418),
    ] {
        assert_eq!(verdict(method, target, status, "text/plain", "x"), None, "{method} {target}");
    }
}

#[test]
fn a_server_mounts_every_route_of_the_binary() {
    let server = Server::start();
    let mounted = server.routes();
    for route in routes_of_the_binary("/auth") {
        assert!(mounted.contains(&route), "{route:?}");
    }
    assert!(!mounted.contains(&Mounted::new("GET", "/nowhere".to_owned(), "nowhere")));
}

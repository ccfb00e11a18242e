//! The order in which a request is checked. A request with several faults gets the error of the first check that fails.

use serde_json::json;

use super::{LIMIT, guarded};
use crate::support::{PASSWORD, Server};

#[test]
fn the_checks_of_path_method_token_and_body_are_in_this_order() {
    let server = Server::with(vec![("registration", "closed".into())]);
    let fresh = server.user("ada").login();
    let stale = fresh.refreshed();
    let over = vec![b'{'; LIMIT + 1];
    let call = |method: &str, path: &str| server.call(method, path);
    // The order before the body is read is 404, 405, 401.
    call("POST", "/nowhere").body("text/plain", over.clone()).send().expect_error(404, "not_found");
    call("PUT", "/users/me").body("text/plain", over.clone()).send().expect_error(405, "method_not_allowed");
    for (method, path) in guarded() {
        let bodies = [("text/plain", over.clone()), ("text/plain", b"{".to_vec()), ("application/json", b"{".to_vec())];
        for (content_type, body) in bodies {
            call(method, path).body(content_type, body.clone()).send().expect_error(401, "missing_token");
            let forged = call(method, path).bearer("a.b.c").body(content_type, body);
            forged.send().expect_error(401, "invalid_token");
        }
        if path == "/users/me" {
            let stale = stale.call(method, path).body("text/plain", over.clone());
            stale.send().expect_error(401, "fresh_token_required");
        }
    }
    // The order of the errors of the body is 413, 415, 400, 422, 403, 409.
    let register = |content_type: &str, body: &[u8]| call("POST", "/auth/register").body(content_type, body).send();
    register("text/plain", &over).expect_error(413, "payload_too_large");
    register("text/plain", b"{").expect_error(415, "unsupported_media_type");
    register("application/json", b"{").expect_error(400, "malformed_json");
    register("application/json", b"{}").expect_error(422, "invalid_request");
    let taken = json!({"username": "ada", "password": PASSWORD}).to_string();
    register("application/json", taken.as_bytes()).expect_error(403, "registration_closed");
    let weak = json!({"username": "ada", "password": "password"}).to_string();
    let open = server.restart_with(vec![]);
    let register = |body: &str| open.call("POST", "/auth/register").body("application/json", body).send();
    register(&weak).expect_error(422, "invalid_request");
    register(&taken).expect_error(409, "already_exists");
}

#[test]
fn csrf_is_checked_before_the_body_and_after_the_token() {
    let server = Server::start();
    let login = server.user("ada").try_login(json!({"transport": "cookie"})).expect(200);
    let cookie = format!("access_token={}", login.cookie("access_token").expect("a cookie"));
    let over = vec![b'{'; LIMIT + 1];
    for (method, path) in guarded() {
        let call = server.call(method, path).header("Cookie", &cookie).body("text/plain", over.clone());
        call.send().expect_error(403, "csrf_failed");
        let call = server.call(method, path).header("Cookie", "access_token=a.b.c").body("text/plain", over.clone());
        call.send().expect_error(401, "invalid_token");
    }
}

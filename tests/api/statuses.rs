//! Statuses that many operations have for the same reason. `support/judge.rs` compares each response with the API description,
//! and `tests/coverage.rs` finds the statuses that no test meets.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Server, Session, browser::Browser, oauth, wait_for};

/// Returns the calls that need a bearer token, each with a valid body; `null` for no body.
fn of_a_bearer(session: &Session<'_>) -> Vec<(&'static str, String, Value)> {
    let other = format!("/auth/sessions/{}", session.id);
    let call = |method, path: &str, body| (method, path.to_owned(), body);
    vec![
        call("GET", "/auth/active_sessions", Value::Null),
        call("POST", "/auth/fresh", json!({"password": PASSWORD})),
        call("POST", "/auth/logout_all", json!({})),
        call("POST", "/auth/revoke_other_session", json!({})),
        call("DELETE", &other, Value::Null),
        call("POST", "/auth/logout/device", json!({"session_id": session.id})),
        call("GET", "/users/me", Value::Null),
        call("PATCH", "/users/me", json!({"username": "lovelace"})),
        call("POST", "/users/me/password", json!({"current_password": PASSWORD, "new_password": "seven slow ferries"})),
        call("GET", "/users/me/export", Value::Null),
        call("DELETE", "/users/me", json!({"password": PASSWORD})),
    ]
}

/// Sends a request with the bearer token of the session, and with the body unless it is `null`.
fn send(session: &Session<'_>, method: &str, path: &str, body: &Value) -> Answer {
    let call = session.server.call(method, path).bearer(&session.access);
    if body.is_null() { call.send() } else { call.json(body.clone()).send() }
}

#[test]
fn two_authorization_headers_are_malformed_except_at_verify() {
    let server = Server::start();
    let session = server.user("ada").login();
    let twice = |method: &str, path: &str, body: &Value| {
        let call = server.call(method, path).bearer(&session.access).bearer(&session.access);
        if body.is_null() { call.send() } else { call.json(body.clone()).send() }
    };
    for (method, path, body) in of_a_bearer(&session) {
        twice(method, &path, &body).expect_error(400, "malformed_request");
    }
    twice("POST", "/auth/logout", &json!({})).expect_error(400, "malformed_request");
    // `/auth/verify` returns 401 instead, because a proxy treats a 400 as a fault of this server.
    twice("GET", "/auth/verify", &Value::Null).expect_error(401, "invalid_token");
    assert!(session.is_accepted());
}

#[test]
fn a_body_over_the_limit_is_refused_even_if_the_operation_reads_none() {
    let server = Server::start();
    let session = server.user("ada").login();
    let large = json!({"filler": "a".repeat(65 * 1024)});
    let own = format!("/auth/sessions/{}", session.id);
    for (method, path) in [("POST", "/auth/logout_all"), ("DELETE", own.as_str())] {
        send(&session, method, path, &large).expect_error(413, "payload_too_large");
    }
    assert!(session.is_accepted());
}

#[test]
fn an_unavailable_database_is_503_for_every_operation_that_needs_it() {
    let server = Server::with(oauth::clients());
    let browser = Browser::new(&server);
    let session = server.user("ada").login();
    browser.sign_in("ada", PASSWORD).expect(303);
    wait_for(server.vestibule.store.close());
    let unavailable = |answer: Answer| {
        let answer = answer.expect_error(503, "storage_unavailable");
        assert!(answer.header("retry-after").is_some());
    };
    unavailable(session.get("/auth/session"));
    for (method, path, body) in of_a_bearer(&session) {
        unavailable(send(&session, method, &path, &body));
    }
    unavailable(session.get("/auth/verify"));
    unavailable(server.post("/auth/login", json!({"username": "ada", "password": PASSWORD})));
    unavailable(server.post("/auth/refresh", json!({"refresh_token": session.refresh})));
    unavailable(server.post("/auth/logout", json!({"refresh_token": session.refresh})));
    let new = json!({"username": "bob", "email": "bob@example.com", "password": "nine quiet herons at dusk"});
    unavailable(server.post("/auth/register", new));
    let of_oauth = |path, more: &[(&str, &str)]| {
        let (id, secret) = ("backend", oauth::secret());
        let fields = [&[("client_id", id), ("client_secret", &*secret)], more].concat();
        server.form(path, &fields).expect_oauth_error(503, "storage_unavailable");
    };
    for path in ["/token", "/auth/token"] {
        of_oauth(path, &[("username", "ada"), ("password", PASSWORD)]);
    }
    of_oauth("/auth/introspect", &[("token", &session.refresh)]);
    server.form("/auth/revoke", &[("token", &session.refresh)]).expect_oauth_error(503, "storage_unavailable");
    // The pages report the error as an HTML page.
    for path in ["/account", "/account/export"] {
        assert_eq!(browser.get(path).expect(503).header("content-type"), Some("text/html; charset=utf-8"), "{path}");
    }
}

#[test]
fn wrong_passwords_in_a_session_are_limited_for_all_operations_together() {
    let server = Server::with(vec![("login_failures_per_account", json!("2/1h"))]);
    let session = server.user("ada").login();
    for _ in 0..2 {
        session.post("/auth/fresh", json!({"password": "not this one"})).expect_error(401, "invalid_credentials");
    }
    let change = json!({"current_password": PASSWORD, "new_password": "seven slow ferries north"});
    session.post("/users/me/password", change).expect_error(429, "too_many_requests");
    send(&session, "DELETE", "/users/me", &json!({"password": PASSWORD})).expect_error(429, "too_many_requests");
}

#[test]
fn both_token_endpoints_refuse_alike() {
    let server = Server::with(vec![("login_rate_per_ip", json!("1/1m"))]);
    server.user("ada");
    for path in ["/token", "/auth/token"] {
        let fields = [("username", "ada"), ("password", PASSWORD), ("client_id", "nobody")];
        server.form(path, &fields).expect_oauth_error(401, "invalid_client");
    }
    server.form("/auth/token", &[("username", "ada"), ("password", PASSWORD)]).expect(200);
    for path in ["/token", "/auth/token"] {
        let answer = server.form(path, &[("username", "ada"), ("password", PASSWORD)]);
        answer.expect_oauth_error(429, "too_many_requests");
    }
}

#[test]
fn an_unchanged_body_is_not_sent_again() {
    let server = Server::start();
    let page = server.call("GET", "/login").send().expect(200).text;
    let at = page.find("/static/").expect("an asset");
    let asset = page[at..].split('"').next().expect("its address");
    for path in [asset, "/openapi.json", "/.well-known/jwks.json"] {
        let tag = server.call("GET", path).send().expect(200).header("etag").expect("a tag").to_owned();
        let again = server.call("GET", path).header("If-None-Match", &tag).send().expect(304);
        assert!(again.text.is_empty(), "{path}");
    }
}

//! The field `reason` of a 401: why a token that this server signed is refused.

use serde_json::{Value, json};

use crate::support::{
    Actor, Answer, PASSWORD, Server, Session,
    fingerprints::{another_machine, chromium},
};

/// Returns the reasons with which the access token and the refresh token are refused.
fn reasons(session: &Session<'_>, refresh: Value) -> [String; 2] {
    let of = |answer: Answer| answer.expect(401).text_at("reason").to_owned();
    [of(session.get("/users/me")), of(session.server.post("/auth/refresh", refresh))]
}

/// Returns the body of a refresh.
fn body(session: &Session<'_>) -> Value {
    json!({"refresh_token": session.refresh})
}

/// Ends the first session of the user. Returns this session.
type End = for<'s> fn(&Actor<'s>) -> Session<'s>;

#[test]
fn each_end_of_a_session_has_its_reason() {
    let rows: [(&str, &str, End); 9] = [
        ("a logout", "logged_out", |ada| {
            let session = ada.login();
            ada.server.post("/auth/logout", body(&session)).expect(200);
            session
        }),
        ("a logout of all", "logged_out", |ada| {
            let session = ada.login();
            session.post("/auth/logout_all", json!({})).expect(200);
            session
        }),
        ("a login on the same device", "replaced", |ada| {
            let session = ada.login();
            ada.login_with(json!({"device_id": session.device_id}));
            session
        }),
        ("a login on too many devices", "evicted", |ada| {
            let session = ada.login();
            ada.server.advance(1);
            ada.login();
            ada.login();
            session
        }),
        ("a password change elsewhere", "password_changed", |ada| {
            let (session, other) = (ada.login(), ada.login());
            let change = json!({"current_password": PASSWORD, "new_password": "seven lighthouses in the fog"});
            other.post("/users/me/password", change).expect(200);
            session
        }),
        ("a disabled account", "disabled", |ada| {
            let session = ada.login();
            ada.disable();
            session
        }),
        ("a replaced token that is used again", "reused", |ada| {
            let session = ada.login();
            session.refreshed();
            ada.server.advance(31);
            assert_eq!(session.try_refresh().expect_error(401, "refresh_reused").text_at("reason"), "reused");
            session
        }),
        ("the fingerprint of another device", "device", |ada| {
            let session = ada.login_with(json!({"fingerprint": chromium()}));
            for _ in 0..3 {
                let wrong = json!({"refresh_token": session.refresh, "fingerprint": another_machine()});
                let refused = ada.server.post("/auth/refresh", wrong).expect_error(401, "device_mismatch");
                assert_eq!(refused.text_at("reason"), "device");
            }
            session
        }),
        ("a session that the user ended from elsewhere", "revoked", |ada| {
            let (session, other) = (ada.login(), ada.login());
            other.call("DELETE", &format!("/auth/sessions/{}", session.id)).send().expect(204);
            session
        }),
    ];
    for (end, reason, ends) in rows {
        let server = Server::with(vec![("max_devices_per_user", json!(2))]);
        let session = ends(&server.user("ada"));
        assert_eq!(reasons(&session, body(&session)), [reason, reason], "{end}");
        assert_eq!(told(&session), json!([null, reason]), "{end}");
        // The reason is the same once the access token has expired too.
        server.advance(901);
        let expired = session.get("/users/me").expect_error(401, "token_expired");
        assert_eq!(expired.text_at("reason"), reason, "{end}");
        assert_eq!(told(&session), json!([null, reason]), "{end}");
    }
}

/// Returns the user and the reason that a page learns without a 401.
fn told(session: &Session<'_>) -> Value {
    let state = session.get("/auth/session").expect(200).body;
    json!([state["user"]["username"], state["reason"]])
}

#[test]
fn a_page_learns_the_reason_only_if_no_refresh_can_help() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login();
    assert_eq!(told(&session), json!(["ada", null]));
    server.advance(900);
    assert_eq!(told(&session), json!([null, null]), "the access token has expired, and the session is live");
    let renewed = session.refreshed();
    assert_eq!(told(&renewed), json!(["ada", null]));
    server.advance(8 * 24 * 3600);
    assert_eq!(told(&renewed), json!([null, "expired"]));
    let nobody = server.call("GET", "/auth/session").send().expect(200).body;
    assert_eq!(nobody["reason"], Value::Null);
    let forged = server.call("GET", "/auth/session").header("Authorization", "Bearer a.b.c").send().expect(200).body;
    assert_eq!(forged["reason"], Value::Null);
}

#[test]
fn a_page_with_cookies_learns_the_reason_too() {
    let server = Server::start();
    let ada = server.user("ada");
    let login =
        server.post("/auth/login", json!({"username": "ada", "password": PASSWORD, "transport": "cookie"})).expect(200);
    let cookie = |name: &str| format!("{name}={}", login.cookie(name).expect("a cookie"));
    let cookies = ["access_token", "refresh_token", "csrf_token"].map(cookie).join("; ");
    let state = || server.call("GET", "/auth/session").header("Cookie", &cookies).send().expect(200).body;
    assert_eq!((state()["reason"].clone(), state()["user"]["username"].clone()), (Value::Null, json!("ada")));
    ada.disable();
    let ended = state();
    assert_eq!((ended["reason"].clone(), ended["user"].clone()), (json!("disabled"), Value::Null));
    let foreign =
        server.call("GET", "/auth/session").header("Cookie", &cookies).header("Origin", "https://evil.example");
    let foreign = foreign.send().expect(200).body;
    assert_eq!([&foreign["csrf_token"], &foreign["user"]], [&Value::Null, &Value::Null]);
}

#[test]
fn a_token_of_a_live_session_is_refused_as_expired_or_revoked() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login();
    server.advance(900);
    let expired = session.get("/users/me").expect_error(401, "token_expired");
    assert_eq!(expired.text_at("reason"), "expired");
    let renewed = session.refreshed();
    let body = format!("token={}", renewed.access);
    server.call("POST", "/auth/revoke").body("application/x-www-form-urlencoded", body).send().expect(200);
    assert_eq!(renewed.get("/users/me").expect_error(401, "token_revoked").text_at("reason"), "revoked");
    server.advance(8 * 24 * 3600);
    assert_eq!(renewed.try_refresh().expect_error(401, "token_expired").text_at("reason"), "expired");
}

#[test]
fn a_token_of_nobody_has_no_reason() {
    let server = Server::start();
    for token in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        let refused = server.call("GET", "/users/me").bearer(token).send().expect(401);
        assert_eq!(refused.body.get("reason"), None, "{token:?}");
    }
}

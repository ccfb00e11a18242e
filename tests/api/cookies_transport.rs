//! Cookies beside the header `Authorization` and the body: which token counts, and whether the response puts new tokens into
//! cookies or into the body.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    PASSWORD, Server, Session, claims,
    cookies::{Browser, set_cookies, sign_in},
};

#[test]
fn a_cookie_login_returns_the_csrf_token_instead_of_the_tokens() {
    let server = Server::start();
    server.user("ada");
    let answer = sign_in(&server, "ada", None).expect(200);
    let fields: BTreeSet<&str> = answer.body.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected =
        ["csrf_token", "token_type", "expires_in", "refresh_expires_in", "session_id", "device_bound", "device_id"];
    assert_eq!(fields, BTreeSet::from(expected));
    assert_eq!(answer.cookie("csrf_token"), Some(answer.text_at("csrf_token")));
    assert_eq!(answer.cookie("device_id"), Some(answer.text_at("device_id")));
    for token in ["access_token", "refresh_token"] {
        assert!(!answer.text.contains(answer.cookie(token).expect("a cookie")));
    }
    let without = server.user("bob").try_login(json!({})).expect(200);
    assert_eq!((set_cookies(&without).len(), without.body.get("csrf_token")), (0, None));
}

#[test]
fn a_refresh_by_cookie_answers_by_cookie() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    server.advance(900);
    let answer = browser.refresh().expect(200);
    let next = Browser::from(&server, &answer);
    assert_eq!(answer.text_at("csrf_token"), browser.csrf);
    assert_eq!((answer.body.get("access_token"), answer.body.get("refresh_token")), (None, None));
    assert_eq!((&next.csrf, &next.device, &next.session_id), (&browser.csrf, &browser.device, &browser.session_id));
    assert!(next.refresh != browser.refresh && next.is_signed_in());
    assert_eq!(claims(&next.access)["fresh"], false);
    // A second tab with the older refresh cookie gets the same new refresh token.
    assert_eq!(browser.refresh().expect(200).cookie("refresh_token"), Some(next.refresh.as_str()));
    // An empty field counts as absent, so the cookie counts.
    next.call("POST", "/auth/refresh").json(json!({"refresh_token": ""})).send().expect(200);
}

#[test]
fn a_refresh_token_in_the_body_wins_over_the_cookie() {
    let server = Server::start();
    let session = server.user("bob").login();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let answer =
        browser.blind("POST", "/auth/refresh").json(json!({"refresh_token": session.refresh})).send().expect(200);
    assert_eq!(Session::from(&server, &answer).id, session.id);
    assert_eq!(set_cookies(&answer), Vec::<&str>::new());
}

#[test]
fn a_header_wins_over_the_cookie() {
    let server = Server::start();
    let bob = server.user("bob").login();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    assert_eq!(browser.blind("GET", "/users/me").bearer(&bob.access).send().expect(200).body["username"], "bob");
    browser.blind("GET", "/users/me").bearer("a.b.c").send().expect_error(401, "invalid_token");
    // A browser does not add an access token to the header by itself. So such a request needs no CSRF token, from any origin.
    let call = browser.blind("POST", "/auth/revoke_other_session").bearer(&bob.access);
    call.header("Origin", "https://evil.example").send().expect(200);
    // A header with another scheme is ignored, so the cookie counts.
    let basic = browser.blind("GET", "/users/me").header("Authorization", "Basic YWRhOnB3").send();
    assert_eq!(basic.expect(200).body["username"], "ada");
    browser.blind("POST", "/auth/logout").bearer(&bob.access).send().expect(200);
    assert!(browser.is_signed_in() && !bob.is_accepted());
}

#[test]
fn a_password_proof_by_cookie_sets_a_fresh_access_cookie() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::from(&server, &Browser::login(&server, "ada").refresh().expect(200));
    browser.call("PATCH", "/users/me").json(json!({})).send().expect_error(401, "fresh_token_required");
    let answer = browser.call("POST", "/auth/fresh").json(json!({"password": PASSWORD})).send().expect(200);
    assert_eq!(set_cookies(&answer), ["access_token"]);
    let fresh = Browser { access: answer.cookie("access_token").expect("a cookie").to_owned(), ..browser };
    fresh.call("PATCH", "/users/me").json(json!({})).send().expect(200);
}

#[test]
fn the_token_of_a_fresh_cookie_is_not_in_the_body() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let answer = browser.call("POST", "/auth/fresh").json(json!({"password": PASSWORD})).send().expect(200);
    assert_eq!(answer.body.get("access_token"), None);
}

#[test]
fn a_password_change_by_cookie_sets_new_cookies() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let body = json!({"current_password": PASSWORD, "new_password": "seven lighthouses in the fog"});
    let answer = browser.call("POST", "/users/me/password").json(body).send().expect(200);
    assert_eq!((answer.body.get("access_token"), answer.text_at("csrf_token")), (None, browser.csrf.as_str()));
    let next = Browser::from(&server, &answer);
    assert!(next.is_signed_in() && !browser.is_signed_in());
    next.refresh().expect(200);
}

#[test]
fn without_cookies_in_token_location_no_cookie_is_read_or_set() {
    let server = Server::with(vec![("token_location", json!(["headers"]))]);
    let ada = server.user("ada");
    let session = ada.login();
    let answer = sign_in(&server, "ada", None).expect_error(422, "invalid_request");
    assert_eq!((answer.bad_fields(), set_cookies(&answer)), (vec!["transport"], vec![]));
    let cookies = format!("access_token={}; refresh_token={}", session.access, session.refresh);
    let call = |method: &str, path: &str| server.call(method, path).header("Cookie", &cookies);
    call("GET", "/users/me").send().expect_error(401, "missing_token");
    call("POST", "/auth/refresh").send().expect_error(401, "missing_token");
    call("POST", "/auth/logout").send().expect_error(401, "missing_token");
    // A device cookie from before that setting is not read, so the login does not replace the session of the device.
    let other = call("POST", "/auth/login").header("Cookie", &format!("device_id={}", session.device_id));
    other.json(json!({"username": "ada", "password": PASSWORD})).send().expect(200);
    assert!(session.is_accepted());
}

#[test]
fn without_headers_in_token_location_no_header_is_read() {
    let server = Server::with(vec![("token_location", json!(["cookies"]))]);
    let ada = server.user("ada");
    let browser = Browser::from(&server, &ada.try_login(json!({})).expect(200));
    assert!(browser.is_signed_in());
    let bearer = ada.try_login(json!({"transport": "bearer"})).expect_error(422, "invalid_request");
    assert_eq!(bearer.bad_fields(), ["transport"]);
    server.call("GET", "/users/me").bearer(&browser.access).send().expect_error(401, "missing_token");
    browser.refresh().expect(200);
}

#[test]
fn without_headers_in_token_location_no_token_is_in_a_body() {
    let server = Server::with(vec![("token_location", json!(["cookies"]))]);
    let browser = Browser::from(&server, &server.user("ada").try_login(json!({})).expect(200));
    let answer = server.post("/auth/refresh", json!({"refresh_token": browser.refresh}));
    assert_eq!(answer.body.get("access_token"), None);
}

#[test]
fn a_login_with_a_device_cookie_replaces_the_session_of_its_device() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let (first, other) = (Browser::login(&server, "ada"), Browser::login(&server, "ada"));
    let again = Browser::from(&server, &sign_in(&server, "ada", Some(&first.device)).expect(200));
    assert_eq!(again.device, first.device);
    assert_ne!(again.session_id, first.session_id);
    assert!(!first.is_signed_in() && other.is_signed_in() && again.is_signed_in());
    // The secret of another user's device, an unknown secret and a malformed secret are ignored.
    for device in [other.device.as_str(), &first.device.to_uppercase(), "x", ""] {
        let bob = Browser::from(&server, &sign_in(&server, "bob", Some(device)).expect(200));
        assert!(bob.device != device && bob.is_signed_in());
    }
    assert!(other.is_signed_in() && again.is_signed_in());
    // A login that returns the tokens in the body does not read the device cookie.
    let cookie = format!("device_id={}", again.device);
    let body: Value = json!({"username": "ada", "password": PASSWORD});
    let by_body = server.call("POST", "/auth/login").header("Cookie", &cookie).json(body).send().expect(200);
    assert_ne!(by_body.text_at("device_id"), again.device);
    assert!(again.is_signed_in());
}

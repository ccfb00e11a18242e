//! The cookie transport, and its protection against cross-site requests.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{
    PASSWORD, Server,
    cookies::{Browser, attributes, set_cookies},
};

#[test]
fn a_cookie_login_sets_the_tokens_as_http_only_cookies() {
    const WEEK: &str = "max-age=604800";
    const LONG: &str = "max-age=34560000";
    let plain = [
        ("access_token", vec!["httponly", "samesite=lax", "path=/", WEEK]),
        ("refresh_token", vec!["httponly", "samesite=lax", "path=/auth", WEEK]),
        ("csrf_token", vec!["samesite=lax", "path=/", WEEK]),
        ("device_id", vec!["httponly", "samesite=lax", "path=/", LONG]),
    ];
    let secure = [
        ("__Host-access_token", vec!["httponly", "samesite=lax", "path=/", "secure", WEEK]),
        ("__Secure-refresh_token", vec!["httponly", "samesite=lax", "path=/auth", "secure", WEEK]),
        ("__Host-csrf_token", vec!["samesite=lax", "path=/", "secure", WEEK]),
        ("__Host-device_id", vec!["httponly", "samesite=lax", "path=/", "secure", LONG]),
    ];
    let domain = [
        ("__Secure-access_token", vec!["httponly", "samesite=strict", "path=/", "secure", "domain=example.com", WEEK]),
        // The others have no `Domain`, so the browser sends them to this host only.
        ("__Secure-refresh_token", vec!["httponly", "samesite=strict", "path=/session", "secure", WEEK]),
        ("__Host-csrf_token", vec!["samesite=strict", "path=/", "secure", WEEK]),
        ("__Host-device_id", vec!["httponly", "samesite=strict", "path=/", "secure", LONG]),
    ];
    let with_domain = vec![
        ("cookie_secure", json!(true)),
        ("cookie_samesite", json!("strict")),
        ("cookie_domain", json!("example.com")),
        ("public_url", json!("https://auth.example.com")),
        ("base_path", json!("/session")),
    ];
    let rows = [
        (vec![], "/auth", plain),
        (vec![("cookie_secure", json!(true)), ("public_url", json!("https://auth.test"))], "/auth", secure),
        (with_domain, "/session", domain),
    ];
    for (settings, base, cookies) in rows {
        let server = Server::with(settings);
        server.user("ada");
        let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
        let answer = server.post(&format!("{base}/login"), body).expect(200);
        assert_eq!(set_cookies(&answer).len(), 4);
        for (name, expected) in &cookies {
            let expected: BTreeSet<String> = expected.iter().map(|attribute| (*attribute).to_owned()).collect();
            assert_eq!(attributes(&answer, name), expected, "{name}");
        }
        // A browser removes a cookie only if name, domain and path are those with which it was set.
        let header: Vec<String> =
            cookies.iter().map(|(name, _)| format!("{name}={}", answer.cookie(name).expect("a cookie"))).collect();
        let logout = server.call("POST", &format!("{base}/logout")).header("Cookie", &header.join("; "));
        let logout = logout.header("X-CSRF-Token", answer.text_at("csrf_token")).send().expect(200);
        for (name, expected) in &cookies[..3] {
            let mut expected: BTreeSet<String> = expected.iter().map(|attribute| (*attribute).to_owned()).collect();
            expected.remove(WEEK);
            expected.insert("max-age=0".to_owned());
            assert_eq!((attributes(&logout, name), logout.cookie(name)), (expected, Some("")), "{name}");
        }
        assert_eq!(set_cookies(&logout).len(), 3, "the device stays known");
    }
}

#[test]
fn a_valid_access_cookie_authenticates_and_an_invalid_one_does_not() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    assert_eq!(browser.blind("GET", "/users/me").send().expect(200).body["username"], "ada");
    browser.blind("HEAD", "/users/me").send().expect(200);
    let with = |cookie: String| server.call("GET", "/users/me").header("Cookie", &cookie).send();
    with("access_token=".to_owned()).expect_error(401, "missing_token");
    with(format!("refresh_token={}", browser.refresh)).expect_error(401, "missing_token");
    with(format!("access_token={}", browser.refresh)).expect_error(401, "wrong_token_type");
    with(format!("access_token={}x", browser.access)).expect_error(401, "invalid_token");
    with(format!("access_token={}", "a".repeat(8 * 1024 + 1))).expect_error(400, "malformed_request");
    server.advance(900);
    browser.blind("GET", "/users/me").send().expect_error(401, "token_expired");
}

/// Requests with unsafe methods that a cookie authenticates.
const UNSAFE: [(&str, &str); 9] = [
    ("POST", "/auth/refresh"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/logout_all"),
    ("POST", "/auth/revoke_other_session"),
    ("POST", "/auth/fresh"),
    ("DELETE", "/auth/sessions/x"),
    ("PATCH", "/users/me"),
    ("POST", "/users/me/password"),
    ("DELETE", "/users/me"),
];

#[test]
fn an_unsafe_request_needs_the_csrf_token_of_its_session() {
    let server = Server::start();
    server.user("ada");
    server.user("bob");
    let (browser, second, bob) =
        (Browser::login(&server, "ada"), Browser::login(&server, "ada"), Browser::login(&server, "bob"));
    assert_ne!(browser.csrf, second.csrf);
    let short = &browser.csrf[..browser.csrf.len() - 1];
    let tokens =
        ["", "x", &second.csrf, &bob.csrf, &browser.access, &browser.device, short, &browser.csrf.to_uppercase()];
    for (method, path) in UNSAFE {
        browser.blind(method, path).send().expect_error(403, "csrf_failed");
        for token in tokens {
            let answer =
                browser.blind(method, path).header("X-CSRF-Token", token).send().expect_error(403, "csrf_failed");
            assert_eq!(set_cookies(&answer), Vec::<&str>::new(), "{method} {path}");
        }
        // The CSRF token of another session is refused even if an attacker plants it both as cookie and as header.
        let planted =
            format!("access_token={}; refresh_token={}; csrf_token={}", browser.access, browser.refresh, bob.csrf);
        let planted = server.call(method, path).header("Cookie", &planted).header("X-CSRF-Token", &bob.csrf);
        planted.send().expect_error(403, "csrf_failed");
    }
    assert!(browser.is_signed_in() && second.is_signed_in());
    assert_eq!(server.highest_generation(), 1);
}

#[test]
fn a_request_from_a_foreign_page_is_refused_even_with_the_csrf_token() {
    let server = Server::start();
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    let foreign: [&[(&str, &str)]; 11] = [
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "")],
        &[("Origin", "https://auth.test")],
        &[("Origin", "http://auth.test.evil.example")],
        &[("Origin", "http://auth.test:81")],
        &[("Origin", "http://evil.example/http://auth.test")],
        &[("Origin", "http://localhost.evil.example")],
        &[("Origin", "http://localhost@evil.example")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")],
    ];
    for (method, path) in UNSAFE {
        for headers in foreign {
            let call = headers.iter().fold(browser.call(method, path), |call, (name, value)| call.header(name, value));
            let answer = call.send();
            assert_eq!(answer.status, 403, "{method} {path} {headers:?}");
            answer.expect_error(403, "csrf_failed");
        }
    }
    let own: [&[(&str, &str)]; 5] = [
        &[],
        &[("Origin", "http://auth.test")],
        &[("Origin", "http://auth.test"), ("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "none")],
    ];
    for headers in own {
        let call = browser.call("POST", "/auth/revoke_other_session");
        headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().expect(200);
    }
    // A GET request changes nothing, so no CSRF check applies. CORS decides whether the other origin can read the response.
    browser.blind("GET", "/users/me").header("Origin", "https://evil.example").send().expect(200);
}

#[test]
fn a_foreign_form_can_not_sign_anybody_in() {
    let server = Server::start();
    server.user("ada");
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
        let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"}).to_string();
        let answer = server.call("POST", "/auth/login").body(content_type, body).send();
        assert_eq!(set_cookies(&answer.expect_error(415, "unsupported_media_type")), Vec::<&str>::new());
    }
}

//! `cookie_domain`: one sign-in for all hosts of a domain. Only the access cookie reaches the other hosts, and neither they
//! nor an application behind the proxy can act on the account with it.

use serde_json::json;

use crate::support::{Answer, PASSWORD, Server, Settings};

const ORIGIN: &str = "https://auth.example.com";

fn settings(more: Settings) -> Settings {
    let mut settings = vec![
        ("cookie_secure", json!(true)),
        ("cookie_domain", json!("example.com")),
        ("public_url", json!(ORIGIN)),
        ("access_token_lifetime", json!("15m")),
    ];
    settings.extend(more);
    settings
}

/// A sign-in, and the cookies that it set.
struct SignIn {
    access: String,
    refresh: String,
    csrf: String,
}

impl SignIn {
    fn of(server: &Server, name: &str) -> Self {
        let body = json!({"username": name, "password": PASSWORD, "transport": "cookie"});
        let login = server.post("/auth/login", body).expect(200);
        let cookie = |name: &str| login.cookie(name).expect("a cookie").to_owned();
        Self {
            access: cookie("__Secure-access_token"),
            refresh: cookie("__Secure-refresh_token"),
            csrf: cookie("__Host-csrf_token"),
        }
    }

    /// Returns the `Cookie` header that the browser sends to another host of the domain.
    fn elsewhere(&self) -> String {
        format!("__Secure-access_token={}", self.access)
    }

    /// Returns the `Cookie` header that the browser sends to the server.
    fn here(&self) -> String {
        format!("{}; __Host-csrf_token={}", self.elsewhere(), self.csrf)
    }
}

fn get(server: &Server, path: &str, cookies: &str) -> Answer {
    server.call("GET", path).header("Cookie", cookies).send()
}

#[test]
fn the_access_cookie_counts_only_beside_the_csrf_cookie_except_for_forward_authentication() {
    let server = Server::with(settings(vec![]));
    server.user("ada");
    server.user("mallory");
    let [ada, mallory] = ["ada", "mallory"].map(|name| SignIn::of(&server, name));
    for path in ["/users/me", "/auth/active_sessions", "/users/me/export"] {
        get(&server, path, &ada.here()).expect(200);
        get(&server, path, &ada.elsewhere()).expect_error(401, "missing_token");
        // Another host of the domain sets its own access cookie, and can set no `__Host-` cookie of this host.
        let tossed = format!("{}; __Host-csrf_token={}", mallory.elsewhere(), ada.csrf);
        get(&server, path, &tossed).expect_error(401, "missing_token");
        let both = format!("{}; {}", mallory.elsewhere(), ada.here());
        let answer = get(&server, path, &both).expect(200);
        assert!(!answer.text.contains("mallory"), "{path}");
    }
    assert_eq!(get(&server, "/account", &ada.elsewhere()).status, 303);
    let verified = get(&server, "/auth/verify", &ada.elsewhere()).expect(200);
    assert_eq!(verified.header("remote-user"), Some("ada"));
}

#[test]
fn an_application_behind_the_proxy_can_not_use_the_access_cookie_as_a_bearer_token() {
    let server = Server::with(settings(vec![("compat_routes", json!(true))]));
    server.user("ada");
    let ada = SignIn::of(&server, "ada");
    let bearer = |method: &str, path: &str| server.call(method, path).bearer(&ada.access).send();
    for (method, path) in [
        ("GET", "/users/me"),
        ("GET", "/auth/verify"),
        ("GET", "/auth/active_sessions"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/logout_all"),
        ("POST", "/auth/revoke_other_session"),
        ("POST", "/auth/jwt/refresh"),
        ("POST", "/auth/introspect"),
    ] {
        let code = if path.ends_with("introspect") { 400..=401 } else { 401..=401 };
        let answer = bearer(method, path);
        assert!(code.contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text);
    }
    let form = |path: &str| {
        let body = format!("token={}", ada.access);
        server.call("POST", path).body("application/x-www-form-urlencoded", body).send()
    };
    form("/auth/revoke").expect(200);
    server.post("/api/token/verify/", json!({"token": ada.access})).expect_error(401, "invalid_token");
    get(&server, "/users/me", &ada.here()).expect(200);
}

#[test]
fn an_application_behind_the_proxy_does_not_learn_the_csrf_token() {
    let server = Server::with(settings(vec![]));
    server.user("ada");
    let ada = SignIn::of(&server, "ada");
    let told = |name: &str, value: &str| {
        let body = server.call("GET", "/auth/session").header(name, value).send().expect(200).body;
        (body["user"]["username"].clone(), body["csrf_token"].clone())
    };
    let planted = format!("{}; __Host-csrf_token=x", ada.elsewhere());
    let bearer = format!("Bearer {}", ada.access);
    for (name, value) in [("Cookie", ada.elsewhere()), ("Cookie", planted), ("Authorization", bearer)] {
        assert_eq!(told(name, &value), (json!(null), json!(null)), "{name}: {value}");
    }
    assert_eq!(told("Cookie", &ada.here()), (json!("ada"), json!(ada.csrf)));
}

#[test]
fn every_access_cookie_of_the_domain_says_that_it_is_one() {
    let server = Server::with(settings(vec![("renew_within", json!("10m"))]));
    server.user("ada");
    let ada = SignIn::of(&server, "ada");
    let is_refused = |token: &str| server.call("GET", "/users/me").bearer(token).send().status == 401;
    assert!(is_refused(&ada.access));
    server.advance(600);
    let renewed = get(&server, "/users/me", &ada.here()).expect(200);
    assert!(is_refused(renewed.cookie("__Secure-access_token").expect("it was renewed")));
    let change = |path: &str, body: serde_json::Value, cookies: &str| {
        let call = server.call("POST", path).header("Cookie", cookies).header("Origin", ORIGIN);
        call.header("X-CSRF-Token", &ada.csrf).json(body).send().expect(200)
    };
    let fresh = change("/auth/fresh", json!({"password": PASSWORD}), &ada.here());
    assert!(is_refused(fresh.cookie("__Secure-access_token").expect("a cookie")));
    let cookies = format!("{}; __Secure-refresh_token={}", ada.here(), ada.refresh);
    let refreshed = change("/auth/refresh", json!({}), &cookies);
    assert!(is_refused(refreshed.cookie("__Secure-access_token").expect("a cookie")));
    let bearer = server.post("/auth/login", json!({"username": "ada", "password": PASSWORD})).expect(200);
    assert!(!is_refused(bearer.text_at("access_token")), "a bearer token stays one");
}

#[test]
fn the_session_of_a_page_is_told_without_a_401() {
    let server = Server::with(vec![("cors_allowed_origins", json!(["https://app.example.com"]))]);
    server.user("ada");
    let body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
    let login = server.post("/auth/login", body).expect(200);
    let csrf = login.text_at("csrf_token").to_owned();
    let cookie = |name: &str| format!("{name}={}", login.cookie(name).expect("a cookie"));
    let all: String = ["access_token", "refresh_token", "csrf_token"].map(cookie).join("; ");
    let ask = |headers: &[(&str, &str)]| {
        let call = server.call("GET", "/auth/session");
        let answer = headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.body
    };
    let signed_in = ask(&[("Cookie", all.as_str())]);
    assert_eq!(signed_in["user"]["username"], "ada");
    assert_eq!(signed_in["csrf_token"], csrf.as_str());
    assert!((1..=900).contains(&signed_in["expires_in"].as_i64().expect("seconds")));
    assert_eq!(signed_in["fingerprint"], "optional");
    let listed =
        ask(&[("Cookie", all.as_str()), ("Origin", "https://app.example.com"), ("Sec-Fetch-Site", "cross-site")]);
    assert_eq!(listed["csrf_token"], csrf.as_str());
    for foreign in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "same-site")] {
        let answer = ask(&[("Cookie", all.as_str()), foreign]);
        assert_eq!(answer["csrf_token"], json!(null), "{foreign:?}");
    }
    let refresh_only = ask(&[("Cookie", &["refresh_token", "csrf_token"].map(cookie).join("; "))]);
    assert_eq!((&refresh_only["user"], &refresh_only["csrf_token"]), (&json!(null), &json!(csrf)));
    for token in ["", "x", "a.b.c", login.cookie("refresh_token").expect("a cookie")] {
        let answer = ask(&[("Authorization", &format!("Bearer {token}"))]);
        assert_eq!(
            (&answer["user"], &answer["expires_in"], &answer["csrf_token"]),
            (&json!(null), &json!(null), &json!(null))
        );
    }
    let bearer = server.post("/auth/login", json!({"username": "ada", "password": PASSWORD})).expect(200);
    let answer = ask(&[("Authorization", &format!("Bearer {}", bearer.text_at("access_token")))]);
    assert_eq!((&answer["user"]["username"], &answer["csrf_token"]), (&json!("ada"), &json!(null)));
    server.advance(901);
    assert_eq!(ask(&[("Cookie", all.as_str())])["user"], json!(null), "the access cookie has expired");
    for (policy, expected) in [("off", "off"), ("log", "optional"), ("require", "required")] {
        let server = Server::with(vec![("fingerprint_policy", json!(policy))]);
        assert_eq!(server.call("GET", "/auth/session").send().body["fingerprint"], expected);
    }
}

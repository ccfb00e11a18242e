//! CORS: the responses that a browser lets pages of other origins read.

use serde_json::json;

use crate::support::{Answer, PASSWORD, Server};

const APP: &str = "https://app.example.com";
const EXPOSED: &str = "New-Access-Token, Retry-After, X-Request-Id, WWW-Authenticate";

/// Starts a server that allows [`APP`] and one other origin.
fn with_app() -> Server {
    Server::with(vec![("cors_allowed_origins", json!([APP, "http://other.example:8080"]))])
}

/// Returns the origin whose pages may read the response; `None` if the response has no such header.
fn allowed(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[test]
fn an_allowed_origin_may_read_every_response_even_errors() {
    let server = with_app();
    let session = server.user("ada").login();
    let from = |origin: &str, method: &str, path: &str| server.call(method, path).header("Origin", origin).send();
    for origin in [APP, "http://other.example:8080"] {
        let answers = [
            from(origin, "GET", "/users/me").expect(401),
            from(origin, "GET", "/nowhere").expect(404),
            from(origin, "PUT", "/auth/login").expect(405),
            from(origin, "POST", "/auth/login").expect(415),
            session.call("GET", "/users/me").header("Origin", origin).send().expect(200),
        ];
        for answer in answers {
            assert_eq!(allowed(&answer), Some(origin));
            assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
            assert_eq!(answer.header("access-control-expose-headers"), Some(EXPOSED));
            assert_eq!(answer.header("vary"), Some("Origin"));
        }
    }
}

#[test]
fn a_foreign_origin_may_read_nothing() {
    let server = with_app();
    let session = server.user("ada").login();
    let foreign = [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "https://app.example.com/",
        "https://APP.example.com",
        "http://localhost:3000",
        "null",
        "*",
        "",
    ];
    for origin in foreign {
        for answer in [
            session.call("GET", "/users/me").header("Origin", origin).send().expect(200),
            session.call("OPTIONS", "/users/me").header("Origin", origin).send().expect(204),
            server.call("GET", "/nowhere").header("Origin", origin).send().expect(404),
        ] {
            let headers: Vec<_> =
                answer.headers.iter().filter(|(name, _)| name.starts_with("access-control-")).collect();
            assert!(headers.is_empty(), "{origin}: {headers:?}");
            assert_eq!(answer.header("vary"), Some("Origin"));
        }
    }
    // A request without `Origin` gets no CORS header.
    assert_eq!(allowed(&session.get("/users/me")), None);
}

#[test]
fn the_response_to_a_preflight_lists_the_permitted_methods_and_headers() {
    let server = with_app();
    for (path, methods) in [
        ("/auth/login", "OPTIONS, POST"),
        ("/users/me", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/auth/sessions/x", "DELETE, OPTIONS"),
    ] {
        let preflight = server.call("OPTIONS", path).header("Origin", APP);
        let preflight = preflight.header("Access-Control-Request-Method", "POST");
        let answer = preflight.header("Access-Control-Request-Headers", "content-type,x-csrf-token").send().expect(204);
        assert_eq!((allowed(&answer), answer.text.as_str()), (Some(APP), ""));
        assert_eq!(answer.header("access-control-allow-methods"), Some(methods));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
        let headers = answer.header("access-control-allow-headers").expect("headers");
        for header in ["Authorization", "Content-Type", "X-CSRF-Token"] {
            assert!(headers.split(", ").any(|allowed| allowed == header), "{header} in {headers}");
        }
    }
    let unknown = server.call("OPTIONS", "/nowhere").header("Origin", APP).send();
    unknown.expect_error(404, "not_found");
}

#[test]
fn a_preflight_of_an_allowed_origin_is_permitted_the_headers_that_it_names() {
    let server = with_app();
    let preflight = |origin: &str| {
        let call = server.call("OPTIONS", "/token").header("Origin", origin);
        let call = call.header("Access-Control-Request-Method", "POST");
        call.header("Access-Control-Request-Headers", "authorization,x-requested-with, X-Trace,,a b,x:y,(x),\u{e9}")
            .send()
            .expect(204)
    };
    let answer = preflight(APP);
    let names = answer.header("access-control-allow-headers");
    assert_eq!(names, Some("Authorization, Content-Type, X-Request-Id, X-CSRF-Token, x-requested-with, X-Trace"));
    assert_eq!(preflight("https://evil.example").header("access-control-allow-headers"), None);
}

#[test]
fn in_the_profile_dev_any_page_on_this_machine_may_read() {
    let server = Server::start();
    for origin in [
        "http://localhost", "http://localhost:5173", "https://localhost:8443", "http://127.0.0.1:3000",
        "http://[::1]:3000",
    ] {
        let answer = server.call("GET", "/users/me").header("Origin", origin).send();
        assert_eq!(allowed(&answer), Some(origin));
    }
    for origin in [
        "http://localhost.evil.example",
        "http://localhost:80.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost:",
        "http://localhost:99999",
        "http://localhost:80@evil.example",
        "http://localhostx",
        "ftp://localhost",
        "http://evil.example#http://localhost",
    ] {
        let answer = server.call("GET", "/users/me").header("Origin", origin).send();
        assert_eq!(allowed(&answer), None, "{origin}");
    }
}

#[test]
fn without_allowed_origins_no_page_of_another_origin_may_read() {
    let server = Server::with(vec![("cors_allowed_origins", json!([]))]);
    for origin in [APP, "http://localhost:3000", "null"] {
        assert_eq!(allowed(&server.call("GET", "/users/me").header("Origin", origin).send()), None);
    }
}

#[test]
fn every_page_may_read_the_key_set() {
    let server = with_app();
    for origin in [None, Some(APP), Some("https://evil.example"), Some("null")] {
        let call = server.call("GET", "/.well-known/jwks.json");
        let answer = match origin {
            Some(origin) => call.header("Origin", origin).send().expect(200),
            None => call.send().expect(200),
        };
        assert_eq!((allowed(&answer), answer.header("access-control-allow-credentials")), (Some("*"), None));
    }
}

#[test]
fn a_page_of_an_allowed_origin_can_use_cookies_with_the_csrf_token() {
    let server = with_app();
    server.user("ada");
    let login = server.call("POST", "/auth/login").header("Origin", APP).header("Sec-Fetch-Site", "cross-site");
    let login = login.json(json!({"username": "ada", "password": PASSWORD, "transport": "cookie"})).send().expect(200);
    let cookies = format!(
        "access_token={}; refresh_token={}",
        login.cookie("access_token").expect("a cookie"),
        login.cookie("refresh_token").expect("a cookie")
    );
    let refresh = |origin: &str, csrf: &str| {
        let call =
            server.call("POST", "/auth/refresh").header("Cookie", &cookies).header("Sec-Fetch-Site", "cross-site");
        call.header("Origin", origin).header("X-CSRF-Token", csrf).send()
    };
    refresh(APP, "x").expect_error(403, "csrf_failed");
    refresh("https://evil.example", login.text_at("csrf_token")).expect_error(403, "csrf_failed");
    let answer = refresh(APP, login.text_at("csrf_token")).expect(200);
    assert_eq!(allowed(&answer), Some(APP));
}

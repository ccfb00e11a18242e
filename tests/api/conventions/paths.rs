//! The paths and methods that exist, and how requests with any other path or method are refused.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::Server;

/// Returns every path of this server with its methods. Variable segments are replaced by `x`.
fn paths() -> BTreeMap<String, BTreeSet<String>> {
    let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut rocket = rocket::custom(rocket::Config::debug_default());
    for (_, base, routes) in vestibule::http::endpoints("/auth") {
        rocket = rocket.mount(base, routes);
    }
    for route in rocket.routes() {
        let path = route.uri.path().split('/').map(|segment| if segment.starts_with('<') { "x" } else { segment });
        let methods = paths.entry(path.collect::<Vec<_>>().join("/")).or_default();
        methods.insert(route.method.to_string());
        if route.method == rocket::http::Method::Get {
            methods.insert("HEAD".to_owned());
        }
        methods.insert("OPTIONS".to_owned());
    }
    paths
}

/// The paths whose errors are `application/json`.
const OAUTH: [&str; 4] = ["/token", "/auth/token", "/auth/revoke", "/auth/introspect"];

#[test]
fn an_unknown_path_is_not_found() {
    let server = Server::start();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
        for path in ["/nowhere", "/auth", "/auth/", "/auth/nowhere", "/users/me%00", "/USERS/ME", "/%ff"] {
            let answer = server.call(method, path).send();
            assert_eq!(answer.status, 404, "{method} {path}");
            answer.expect_error(404, "not_found");
        }
    }
    let head = server.call("HEAD", "/nowhere").send().expect(404);
    assert_eq!((head.text.as_str(), head.header("x-request-id").is_some()), ("", true));
}

#[test]
fn the_refusal_of_a_method_lists_the_methods_of_the_path() {
    let server = Server::start();
    for (path, methods) in paths() {
        let allow = methods.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            if !methods.contains(method) {
                let answer = server.call(method, &path).send();
                let answer = match OAUTH.contains(&path.as_str()) {
                    true => answer.expect_oauth_error(405, "method_not_allowed"),
                    false => answer.expect_error(405, "method_not_allowed"),
                };
                assert_eq!(answer.header("allow"), Some(allow.as_str()), "{method} {path}");
            }
        }
        let options = server.call("OPTIONS", &path).send().expect(204);
        assert_eq!(options.header("allow"), Some(allow.as_str()), "OPTIONS {path}");
        let head = server.call("HEAD", &path).send();
        assert_eq!(head.text, "", "HEAD {path}");
        if !methods.contains("GET") {
            assert_eq!((head.status, head.header("allow")), (405, Some(allow.as_str())), "HEAD {path}");
        }
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start();
    let session = server.user("ada").login();
    let (get, head) = (session.get("/users/me").expect(200), session.call("HEAD", "/users/me").send().expect(200));
    assert_eq!(head.text, "");
    for name in ["content-type", "content-length", "cache-control"] {
        assert_eq!(get.header(name), head.header(name), "{name}");
    }
    server.call("HEAD", "/users/me").send().expect(401);
}

// Rocket's own server replaces the method of a form by the value of the form's field `_method`.
#[test]
fn a_field_of_a_form_can_not_change_the_method() {
    let server = Server::start();
    for method in ["get", "put", "patch", "delete"] {
        let first = format!("_method={method}&x=1");
        let after_empty = format!("&_method={method}&x=1");
        let cut_off = format!("_method={method}{}&x=1", "x".repeat("delete".len() - method.len() + 1));
        let second = format!("x=1&_method={method}");
        for body in [first, after_empty, cut_off, second] {
            let post = |path: &str| server.call("POST", path).body("application/x-www-form-urlencoded", body.as_str());
            for path in ["/health", "/users/me", "/auth/sessions/x"] {
                post(path).send().expect_error(405, "method_not_allowed");
            }
            post("/auth/login").send().expect_error(415, "unsupported_media_type");
        }
    }
}

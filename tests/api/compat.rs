//! The paths of the predecessors (`compat_routes`). Each accepts and returns the fields of the system that it replaces.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Server, claims, cookies::Browser};

/// Starts a server with the paths of the predecessors.
fn server() -> Server {
    Server::with(vec![("compat_routes", json!(true))])
}

/// Sends a `POST` with an encoded form.
fn form(server: &Server, path: &str, fields: &str) -> Answer {
    server.call("POST", path).body("application/x-www-form-urlencoded", fields).send()
}

/// Returns the fields that `OAuth2PasswordRequestForm` and the forms of the tutorials send.
fn credentials(name: &str) -> String {
    format!(
        "grant_type=password&username={name}&password={}&scope=&client_id=&client_secret=",
        PASSWORD.replace(' ', "+")
    )
}

#[test]
fn without_the_setting_the_paths_do_not_exist() {
    let server = Server::start();
    let body = json!({"username": "ada", "password": PASSWORD});
    for path in ["/refresh", "/logout_all", "/auth/jwt/login", "/login/extended", "/api/token/", "/token/refresh"] {
        assert!(matches!(server.post(path, body.clone()).status, 404 | 405), "{path}");
    }
    // The page of this path has a form, and takes no JSON.
    server.post("/logout", body).expect_error(415, "unsupported_media_type");
    server.call("GET", "/sessions").send().expect(404);
}

#[test]
fn a_page_of_fastapi_simple_jwt_works_at_paths_without_a_prefix() {
    let server = server();
    let ada = server.user("ada");
    // The page of that library sends an email address, no device name, and a fingerprint that contains numbers.
    let fingerprint = json!({"visitorId": "v", "os": "Linux", "browser": "Chrome", "canvasPrint": "c", "fonts": "f", "cpu": "amd64",
        "hardwareConcurrency": 2, "deviceMemory": 16, "plugins": "p", "timezone": "UTC", "language": "en"});
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "fingerprint": fingerprint});
    let tokens = server.post("/login", body).expect(200);
    let (access, refresh) = (tokens.text_at("access_token").to_owned(), tokens.text_at("refresh_token").to_owned());
    server.post("/refresh", json!({"refresh_token": refresh})).expect_error(401, "device_mismatch");
    let next = server.post("/refresh", json!({"refresh_token": refresh, "fingerprint": fingerprint})).expect(200);
    let refresh = next.text_at("refresh_token").to_owned();
    let listed = server.call("GET", "/active_sessions").bearer(&access).send().expect(200);
    assert_eq!(listed.body.as_array().map(Vec::len), Some(1));
    ada.login();
    let others = server
        .call("POST", "/revoke_other_session")
        .bearer(&access)
        .json(json!({"refresh_token": refresh, "fingerprint": {}}));
    assert_eq!(others.send().expect(200).body["revoked"], 1);
    assert_eq!(
        server.post("/logout", json!({"refresh_token": refresh, "fingerprint": {}})).expect(200).body["detail"],
        "Logged out"
    );
    server.call("POST", "/logout_all").bearer(&access).send().expect_error(401, "token_revoked");
}

#[test]
fn a_client_of_fastapi_users_signs_in_and_out() {
    let server = server();
    server.user("ada");
    let tokens = form(&server, "/auth/jwt/login", &credentials("ada")).expect(200);
    assert_eq!(tokens.text_at("token_type"), "bearer");
    let access = tokens.text_at("access_token").to_owned();
    // In the second of the login a new token would not expire later, so the client keeps its token.
    let at_once = server.call("POST", "/auth/jwt/refresh").bearer(&access).send().expect(200);
    assert_eq!(at_once.text_at("access_token"), access);
    server.advance(60);
    let renewed = server.call("POST", "/auth/jwt/refresh").bearer(&access).send().expect(200);
    let (before, after) = (claims(&access), renewed.claims());
    assert_eq!(after["exp"].as_i64(), before["exp"].as_i64().map(|exp| exp + 60));
    assert_eq!((&after["sid"], &after["fresh"]), (&before["sid"], &json!(false)));
    server.call("POST", "/auth/jwt/refresh").send().expect_error(401, "missing_token");
    server.call("POST", "/auth/jwt/logout").bearer(&access).send().expect(204);
    server
        .call("POST", "/auth/jwt/refresh")
        .bearer(renewed.text_at("access_token"))
        .send()
        .expect_error(401, "token_revoked");
    server.call("GET", "/users/me").bearer(&access).send().expect_error(401, "token_revoked");
    form(&server, "/auth/jwt/login", "username=ada&password=wrong").expect_error(401, "invalid_credentials");
}

#[test]
fn the_logins_of_the_tutorial_take_its_form() {
    let server = server();
    server.user("ada");
    let extended = form(&server, "/login/extended", &credentials("ada")).expect(200);
    assert!(extended.body["access_token"].is_string() && extended.body["refresh_token"].is_string());

    let secure = form(&server, "/login/secure", &credentials("ada")).expect(200);
    assert_eq!(secure.text_at("message"), "Login successful");
    let cookie = format!("access_token={}", secure.cookie("access_token").expect("a cookie"));
    server.call("GET", "/users/me").header("Cookie", &cookie).send().expect(200);

    let device = form(&server, "/login/multi-device", &credentials("ada")).expect(200);
    let access = device.text_at("access_token");
    let listed = server.call("GET", "/sessions").bearer(access).send().expect(200);
    let listed = listed.body["active_sessions"].as_array().expect("a list").clone();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().any(|session| session["jti"] == device.body["jti"]));
    assert_eq!(listed[0].as_object().map(|session| session.len()), Some(3));
    // The `jti` from the list ends that session. The `jti` of another user's session is not found.
    let bob = server.user("bob").login();
    bob.post("/auth/logout/device", json!({"jti": device.body["jti"]})).expect_error(404, "not_found");
    let ended = server.call("POST", "/auth/logout/device").bearer(access).json(json!({"jti": device.body["jti"]}));
    ended.send().expect(204);
    server.call("GET", "/users/me").bearer(access).send().expect_error(401, "token_revoked");
}

#[test]
fn a_foreign_page_signs_nobody_in() {
    let server = server();
    server.user("mallory");
    let call = |header: &str, value: &str| {
        let call = server.call("POST", "/login/secure").header(header, value);
        call.body("application/x-www-form-urlencoded", credentials("mallory")).send()
    };
    for (header, value) in [("Origin", "https://evil.test"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        let refused = call(header, value).expect_error(403, "csrf_failed");
        assert_eq!(refused.set_cookie("access_token"), None, "{header}");
    }
}

#[test]
fn a_refresh_token_is_taken_from_query_and_body() {
    let server = server();
    let ada = server.user("ada").login();
    let in_query = server.call("POST", &format!("/token/refresh?refresh_token={}", ada.refresh)).send().expect(200);
    let next = in_query.text_at("refresh_token");
    let in_body = server.post("/token/refresh", json!({"refresh_token": next})).expect(200);
    assert_ne!(in_body.text_at("refresh_token"), next);
    server.call("POST", "/token/refresh").send().expect_error(401, "missing_token");
    server
        .call("POST", &format!("/token/refresh?refresh_token={}", ada.access))
        .send()
        .expect_error(401, "wrong_token_type");
}

#[test]
fn a_client_of_simplejwt_gets_its_pair() {
    let server = server();
    server.user("ada");
    for path in ["/api/token/", "/api/token"] {
        let pair = server.post(path, json!({"username": "ada", "password": PASSWORD})).expect(200);
        assert_eq!(pair.body.as_object().map(|pair| pair.len()), Some(2));
        assert_eq!(claims(pair.text_at("access"))["type"], "access");
        let next = server.post("/api/token/refresh/", json!({"refresh": pair.text_at("refresh")})).expect(200);
        let refresh = next.text_at("refresh");
        let verify = |token: &str| server.post("/api/token/verify/", json!({"token": token}));
        assert_eq!(verify(next.text_at("access")).expect(200).body, json!({}));
        assert_eq!(verify(refresh).expect(200).body, json!({}));
        assert_eq!(server.post("/api/token/blacklist/", json!({"refresh": refresh})).expect(200).body, json!({}));
        verify(next.text_at("access")).expect_error(401, "token_revoked");
        verify(refresh).expect_error(401, "token_revoked");
        server.post("/api/token/refresh/", json!({"refresh": refresh})).expect_error(401, "token_revoked");
    }
    server.post("/api/token/verify/", json!({"token": "x.y.z"})).expect_error(401, "invalid_token");
    assert_eq!(
        server.post("/api/token/verify/", json!({})).expect_error(422, "invalid_request").bad_fields(),
        ["token"]
    );
    server
        .post("/api/token/", json!({"username": "ada", "password": "wrong"}))
        .expect_error(401, "invalid_credentials");
    assert_eq!(server.post("/api/token/refresh/", Value::Null).status, 422);
}

#[test]
fn a_token_from_a_cookie_is_renewed_in_the_cookie_and_is_not_in_the_body() {
    let server = server();
    let ada = server.user("ada");
    let print = json!({"os": "Linux", "browser": "Firefox", "gpu": "a", "canvasPrint": "b", "fonts": "c"});
    for bound in [false, true] {
        let mut body = json!({"username": "ada", "password": PASSWORD, "transport": "cookie"});
        if bound {
            body["fingerprint"] = print.clone();
        }
        let browser = Browser::from(&server, &server.post("/auth/login", body).expect(200));
        server.advance(60);
        browser.blind("POST", "/auth/jwt/refresh").send().expect_error(403, "csrf_failed");
        let renewed = browser.call("POST", "/auth/jwt/refresh").send().expect(200);
        assert_eq!(renewed.body["access_token"], Value::Null);
        assert_eq!(renewed.body["token_type"], "bearer");
        assert!(!renewed.text.contains("eyJ"), "{}", renewed.text);
        // A session that is bound to a device gets no new token, because this request has no fingerprint. Its cookie stays.
        let cookie = renewed.cookie("access_token");
        assert_eq!(
            (cookie.is_none(), renewed.body["expires_in"].as_i64()),
            (bound, Some(if bound { 840 } else { 900 }))
        );
        if let Some(access) = cookie {
            assert_eq!(claims(access)["fresh"], false);
            assert!(Browser { access: access.to_owned(), ..browser.clone() }.is_signed_in());
        }
    }
    // A client that sent its token in the header gets the new token in the body.
    let bearer = ada.login();
    let renewed = bearer.call("POST", "/auth/jwt/refresh").send().expect(200);
    assert_eq!(claims(renewed.text_at("access_token"))["sub"], ada.id);
}

#[test]
fn no_response_to_a_request_with_cookies_contains_a_token() {
    let server = server();
    server.user("ada");
    let mounted: Vec<(String, String)> = vestibule::http::endpoints("/auth")
        .iter()
        .flat_map(|(_, base, routes)| routes.iter().map(move |route| (base.trim_end_matches('/'), route)))
        .map(|(base, route)| (route.method.to_string(), format!("{base}{}", route.uri.path())))
        .collect();
    let own = [
        "/refresh", "/logout_all", "/revoke_other_session", "/auth/jwt/refresh", "/auth/jwt/logout", "/token/refresh",
        "/api/token/refresh", "/api/token/verify", "/api/token/blacklist", "/logout",
    ];
    let of_predecessors = own.map(|path| ("POST".to_owned(), path.to_owned()));
    let reads = ["/sessions", "/active_sessions"].map(|path| ("GET".to_owned(), path.to_owned()));
    for (method, path) in mounted.into_iter().chain(of_predecessors).chain(reads) {
        let browser = Browser::login(&server, "ada");
        let path = path.split('?').next().unwrap_or_default().replace("<id>", &browser.session_id);
        let path = path.replace(['<', '>'], "");
        let body = json!({"password": PASSWORD, "current_password": PASSWORD, "new_password": PASSWORD,
            "session_id": browser.session_id});
        // A deleted account could not log in for the paths that follow.
        if path.starts_with("/users/me") && method == "DELETE" {
            continue;
        }
        server.advance(60);
        let answer = browser.call(&method, &path).json(body).send();
        assert!(!answer.text.contains("eyJ0eXAiOi"), "{method} {path}: {}", answer.text);
    }
}

#[test]
fn a_renewal_past_the_limit_of_refreshes_is_recorded_once() {
    let server = Server::with(vec![("compat_routes", true.into()), ("refresh_rate_per_session", "3/1m".into())]);
    let session = server.user("ada").login();
    for _ in 0..3 {
        session.call("POST", "/auth/jwt/refresh").send().expect(200);
    }
    for _ in 0..5 {
        session.call("POST", "/auth/jwt/refresh").send().expect_error(429, "too_many_requests");
    }
    assert_eq!(server.count_events("limit_reached"), 1);
}

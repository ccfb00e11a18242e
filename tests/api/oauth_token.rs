//! `POST /token`: requests as FastAPI's form and Swagger's button send them, as RFC 6749 defines them, and as an attacker could
//! send them.

use serde_json::json;

use crate::support::{
    PASSWORD, Server,
    oauth::{basic, clients, other_secret, secret},
};

#[test]
fn the_password_grant_returns_tokens_that_work_at_every_endpoint() {
    let server = Server::start();
    let ada = server.user_with("ada", &[], &["posts:read", "posts:write"]);
    for path in ["/token", "/auth/token"] {
        let form = [("username", "ada"), ("password", PASSWORD)];
        let answer = server.form(path, &form).expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
        assert_eq!(answer.body["token_type"], "bearer");
        assert_eq!((&answer.body["expires_in"], &answer.body["refresh_expires_in"]), (&json!(900), &json!(604_800)));
        assert_eq!(answer.body["scope"], "posts:read posts:write");
        let claims = answer.claims();
        assert_eq!(
            (&claims["sub"], &claims["client_id"], &claims["fresh"]),
            (&json!(ada.id), &json!("default"), &json!(true))
        );
        assert_eq!(claims["sid"], answer.body["session_id"]);
        server.call("GET", "/users/me").bearer(answer.text_at("access_token")).send().expect(200);
        // A refresh token is accepted both here and at `/auth/refresh`.
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", answer.text_at("refresh_token"))];
        let next = server.form(path, &refresh).expect(200);
        assert_ne!(next.body["refresh_token"], answer.body["refresh_token"]);
        assert_eq!(next.claims()["fresh"], false);
        server.post("/auth/refresh", json!({"refresh_token": next.text_at("refresh_token")})).expect(200);
    }
}

#[test]
fn requests_of_fastapi_forms_and_of_swagger_are_accepted() {
    let server = Server::start();
    server.user("ada");
    // The form of `OAuth2PasswordRequestForm`, with its optional fields empty. The second request has no `grant_type`.
    let swagger = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", PASSWORD),
        ("scope", ""),
        ("client_id", ""),
        ("client_secret", ""),
    ];
    server.form("/token", &swagger).expect(200);
    server.form("/token", &swagger[1..]).expect(200);
    // Swagger's button with the client's fields left empty (`Og==` is `:`), and with an email address as the username.
    let call = server.call("POST", "/token").header("Authorization", "Basic Og==");
    call.form(&[("grant_type", "password"), ("username", "ada@example.com"), ("password", PASSWORD)])
        .send()
        .expect(200);
    // A page may send its old access token with every request. The endpoint ignores it.
    server.call("POST", "/token").bearer("x.y.z").form(&swagger).send().expect(200);
}

#[test]
fn a_wrong_password_an_unknown_user_and_a_disabled_user_are_invalid_grants() {
    let server = Server::start();
    server.user("ada");
    server.user("eve").disable();
    let wrong = |name: &str, password: &str| {
        server.form("/token", &[("username", name), ("password", password)]).expect_oauth_error(400, "invalid_grant")
    };
    let (known, unknown) = (wrong("ada", "a short swim"), wrong("nobody", "a short swim"));
    assert_eq!(known.body["detail"], unknown.body["detail"]);
    assert_eq!(wrong("eve", "a short swim").body["detail"], unknown.body["detail"]);
    assert_eq!(wrong("eve", PASSWORD).body["detail"], "The account is disabled.");
}

#[test]
fn a_missing_or_repeated_parameter_is_an_invalid_request() {
    let server = Server::start();
    server.user("ada");
    let call = |body: &str| server.call("POST", "/token").body("application/x-www-form-urlencoded", body).send();
    let password = "password=a+long+walk+to+the+sea";
    for body in [
        String::new(),
        "grant_type=password".to_owned(),
        "username=ada".to_owned(),
        format!("username=&{password}"),
        "username=ada&password=".to_owned(),
        "grant_type=refresh_token".to_owned(),
        "grant_type=refresh_token&refresh_token=".to_owned(),
        format!("username=ada&{password}&{password}"),
        format!("username=ada&username=eve&{password}"),
        format!("username=ada&{password}&scope=a&scope=b"),
        format!("username=ada&{password}&scope=&scope="),
        format!("username=ada&{password}&x=1&x=2"),
        format!("username=ada&{password}&%75sername=eve"),
        "username=ada&password=%ff%fe".to_owned(),
        format!("username={}&{password}", "x".repeat(300)),
        format!("username=a%00b&{password}"),
        format!("username=ada&{password}&fingerprint=nonsense"),
        format!("username=ada&{password}&fingerprint=%5B%5D"),
    ] {
        call(&body).expect_oauth_error(400, "invalid_request");
    }
    assert_eq!(call("scope=x").bad_fields(), ["username", "password"]);
    for unknown in ["authorization_code", "client_credentials", "PASSWORD", "password ", "x\u{e9}"] {
        let answer = server.form("/token", &[("grant_type", unknown), ("username", "ada"), ("password", PASSWORD)]);
        answer.expect_oauth_error(400, "unsupported_grant_type");
    }
}

#[test]
fn errors_before_the_handler_have_the_format_of_oauth() {
    let server = Server::start();
    for path in ["/token", "/auth/token", "/auth/revoke", "/auth/introspect"] {
        let not_allowed = server.call("GET", path).send().expect_oauth_error(405, "method_not_allowed");
        assert_eq!(not_allowed.header("allow"), Some("OPTIONS, POST"));
        server.post(path, json!({"token": "x"})).expect_oauth_error(415, "unsupported_media_type");
        let form = "application/x-www-form-urlencoded";
        let large = server.call("POST", path).body(form, format!("token={}", "x".repeat(70_000))).send();
        large.expect_oauth_error(413, "payload_too_large");
        let twice =
            server.call("POST", path).header("Authorization", "Basic eDp5").header("Authorization", "Basic eDp5");
        twice.form(&[("token", "x")]).send().expect_oauth_error(400, "invalid_request");
        let charset = server.call("POST", path).body("Application/X-WWW-Form-Urlencoded; charset=utf-8", "x=1&x=2");
        charset.send().expect_oauth_error(400, "invalid_request");
    }
}

#[test]
fn a_refused_refresh_is_an_invalid_grant() {
    let server = Server::start();
    let session = server.user("ada").login();
    let refresh = |token: &str| server.form("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]);
    for token in ["x", "a.b.c", &session.access, &format!("{}x", session.refresh), &".".repeat(8192)] {
        refresh(token).expect_oauth_error(400, "invalid_grant");
    }
    let next = refresh(&session.refresh).expect(200).text_at("refresh_token").to_owned();
    server.advance(31);
    refresh(&session.refresh).expect_oauth_error(400, "invalid_grant");
    // The reuse has ended the session.
    refresh(&next).expect_oauth_error(400, "invalid_grant");
    session.get("/users/me").expect_error(401, "token_revoked");
    let over = server.user("eve").login();
    server.advance(604_800);
    refresh(&over.refresh).expect_oauth_error(400, "invalid_grant");
}

#[test]
fn a_refresh_token_is_valid_for_its_own_client_only() {
    let server = Server::with(clients());
    server.user("ada");
    let (secret, other_secret) = (secret(), other_secret());
    let of_backend = server.try_backend("ada", &[]).expect(200).text_at("refresh_token").to_owned();
    let of_web = server.try_password("ada", &[("client_id", "web")]).expect(200).text_at("refresh_token").to_owned();
    let refresh = |token: &str, client: &[(&str, &str)]| {
        let pairs = [&[("grant_type", "refresh_token"), ("refresh_token", token)], client].concat();
        server.form("/token", &pairs)
    };
    let (other, backend) = (
        [("client_id", "other"), ("client_secret", &*other_secret)],
        [("client_id", "backend"), ("client_secret", &*secret)],
    );
    refresh(&of_backend, &other).expect_oauth_error(400, "invalid_grant");
    refresh(&of_backend, &[("client_id", "web")]).expect_oauth_error(400, "invalid_grant");
    refresh(&of_backend, &[]).expect_oauth_error(400, "invalid_grant");
    refresh(&of_backend, &[("client_id", "backend")]).expect_oauth_error(401, "invalid_client");
    refresh(&of_web, &backend).expect_oauth_error(400, "invalid_grant");
    refresh(&of_web, &[]).expect_oauth_error(400, "invalid_grant");
    // `/auth/refresh`, which accepts no client secret, refuses the token too.
    server.post("/auth/refresh", json!({"refresh_token": of_backend})).expect_error(401, "invalid_client");
    // None of these requests has used the tokens.
    server.advance(60);
    assert_eq!(refresh(&of_backend, &backend).expect(200).claims()["client_id"], "backend");
    assert_eq!(refresh(&of_web, &[("client_id", "web")]).expect(200).body["expires_in"], 300);
}

#[test]
fn a_client_can_use_its_configured_grants_only() {
    let mut settings = clients();
    settings.push(("clients.web.grants", json!(["refresh_token"])));
    settings.push(("clients.backend.grants", json!(["password"])));
    settings.push(("clients.other.grants", json!([])));
    let server = Server::with(settings);
    server.user("ada");
    let refused = server.try_password("ada", &[("client_id", "web")]);
    refused.expect_oauth_error(400, "unauthorized_client");
    let secret = secret();
    let backend = [("client_id", "backend"), ("client_secret", &*secret)];
    let token = server.try_backend("ada", &[]).expect(200).text_at("refresh_token").to_owned();
    let pairs = [&[("grant_type", "refresh_token"), ("refresh_token", &*token)], &backend[..]].concat();
    server.form("/token", &pairs).expect_oauth_error(400, "unauthorized_client");
    let call = server.call("POST", "/token").header("Authorization", &basic("other", &other_secret()));
    call.form(&[("username", "ada"), ("password", PASSWORD)]).send().expect_oauth_error(400, "unauthorized_client");
}

#[test]
fn the_limits_and_devices_of_a_login_apply() {
    let server = Server::with(vec![("login_rate_per_ip", json!("3/1m")), ("max_devices_per_user", json!(1))]);
    let ada = server.user("ada");
    let first = server.try_password("ada", &[("device_name", "Reader")]).expect(200);
    let device = first.text_at("device_id").to_owned();
    let again = server.try_password("ada", &[("device_id", &device)]).expect(200);
    assert_eq!(again.body["device_id"], device.as_str());
    ada.login();
    let late = server.try_password("ada", &[]).expect_oauth_error(429, "too_many_requests");
    assert!(late.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));

    let full = Server::with(vec![("max_devices_per_user", json!(1)), ("device_limit_policy", json!("reject"))]);
    full.user("ada").login();
    full.try_password("ada", &[]).expect_oauth_error(400, "invalid_grant");
}

#[test]
fn a_fingerprint_is_sent_as_json_text() {
    let server = Server::with(vec![("fingerprint_policy", json!("require"))]);
    server.user("ada");
    let fingerprint = json!({
        "os": "Linux", "browser": "Firefox", "visitorId": "0123456789abcdef0123456789abcdef", "canvasPrint": "a picture",
        "fonts": "Arial, Courier New", "screenPrint": "Current Resolution: 1366x768", "cpu": "amd64", "deviceMemory": 16,
        "hardwareConcurrency": 2, "timezone": "UTC", "language": "en-US", "plugins": "PDF Viewer",
    })
    .to_string();
    server.try_password("ada", &[]).expect_oauth_error(400, "invalid_request");
    server.try_password("ada", &[("fingerprint", "{}")]).expect_oauth_error(400, "invalid_request");
    let answer = server.try_password("ada", &[("fingerprint", &fingerprint)]).expect(200);
    let token = answer.text_at("refresh_token");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token)];
    server.form("/token", &refresh).expect_oauth_error(400, "invalid_grant");
    server.form("/token", &[&refresh[..], &[("fingerprint", &fingerprint)]].concat()).expect(200);
}

#[test]
fn with_tokens_in_cookies_only_no_token_is_issued_here() {
    let server = Server::with(vec![("token_location", json!(["cookies"]))]);
    server.user("ada");
    server.try_password("ada", &[]).expect_oauth_error(400, "unauthorized_client");
}

#[test]
fn the_metadata_contains_the_addresses_of_the_endpoints() {
    let server = Server::with(vec![("base_path", json!("/api/auth")), ("public_url", json!("https://auth.test/v"))]);
    let path = "/.well-known/oauth-authorization-server";
    let answer = server.call("GET", path).header("Origin", "https://foreign.test").send().expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.body["issuer"], "https://auth.test/v");
    assert_eq!(answer.body["token_endpoint"], "https://auth.test/v/api/auth/token");
    assert_eq!(answer.body["revocation_endpoint"], "https://auth.test/v/api/auth/revoke");
    assert_eq!(answer.body["introspection_endpoint"], "https://auth.test/v/api/auth/introspect");
    assert_eq!(answer.body["jwks_uri"], "https://auth.test/v/.well-known/jwks.json");
    assert_eq!(answer.body["grant_types_supported"], json!(["password", "refresh_token"]));
    assert_eq!(answer.body["response_types_supported"], json!([]));
    let methods = &answer.body["token_endpoint_auth_methods_supported"];
    assert_eq!(*methods, json!(["none", "client_secret_basic", "client_secret_post"]));
    let tag = answer.header("etag").expect("a tag").to_owned();
    assert_eq!(server.call("GET", path).header("If-None-Match", &tag).send().expect(304).text, "");
    server.user("ada");
    for path in ["/token", "/api/auth/token"] {
        server.form(path, &[("username", "ada"), ("password", PASSWORD)]).expect(200);
    }
    server.form("/auth/token", &[("username", "ada"), ("password", PASSWORD)]).expect_error(404, "not_found");

    let bare = Server::with(vec![("base_path", json!("/"))]);
    bare.user("ada");
    bare.form("/token", &[("username", "ada"), ("password", PASSWORD)]).expect(200);
    assert_eq!(bare.call("GET", path).send().body["token_endpoint"], "http://auth.test/token");
}

//! Audiences: which tokens act on the account (RFC 9068 §4), and how a request chooses the audience of its token (RFC 8707).

use std::collections::BTreeSet;

use rocket::{get, routes};
use serde_json::{Value, json};
use vestibule::{AccessToken, CurrentUser, FreshToken, MaybeAccessToken};

use crate::support::{
    Answer, PASSWORD, Server, Session, Settings, claims,
    cookies::Browser,
    oauth::{basic, secret},
    unlimited,
};

/// The setting `audience`: the server itself.
const OWN: &str = "https://auth.example.com";
const API: &str = "https://api.example.com";

/// Returns clients with another audience, with both in either order, and with another scope.
fn clients() -> Settings {
    unlimited(vec![
        ("audience", json!(OWN)),
        ("compat_routes", json!(true)),
        ("clients.foreign.audience", json!(API)),
        ("clients.own-first.audience", json!([OWN, API])),
        ("clients.api-first.audience", json!([API, OWN])),
        ("clients.scoped.scopes", json!("posts:read")),
    ])
}

/// Logs in as a client, with `audience` in the body if it is not null.
fn login<'s>(server: &'s Server, client: &str, audience: &Value) -> Session<'s> {
    Session::from(server, &try_login(server, client, audience, "bearer").expect(200))
}

fn try_login(server: &Server, client: &str, audience: &Value, transport: &str) -> Answer {
    let body = json!({
        "username": "ada", "password": PASSWORD, "client_id": client, "audience": audience, "transport": transport,
    });
    server.post("/auth/login", body)
}

/// The paths, below which everything that a client needs to live stays open to every client: a request with a token for another
/// service is not refused as such.
const OPEN: [&str; 14] = [
    "/auth/login", "/auth/register", "/auth/refresh", "/auth/logout", "/auth/token", "/auth/introspect",
    "/auth/revoke", "/auth/session", "/token", "/logout", "/refresh", "/auth/jwt/logout", "/auth/jwt/refresh",
    "/token/refresh",
];

/// Returns the operations that refuse a request without a token with 401 `missing_token`, as method and path.
fn guarded(server: &Server) -> BTreeSet<(String, String)> {
    let id = "01a3185c-5000-7000-8000-000000000000";
    // The workbench takes no tokens, and one of its endpoints deletes all users.
    let is_workbench = |path: &str| path.starts_with("/dev") || path.starts_with("/demo");
    let all = server.routes().iter().filter(|route| !is_workbench(&route.path)).map(|route| {
        let path = route.path.split('?').next().unwrap_or_default();
        let path =
            path.split('/').map(|part| if part.starts_with('<') { id } else { part }).collect::<Vec<_>>().join("/");
        (route.method.clone(), path)
    });
    let asks = |(method, path): &(String, String)| {
        let answer = server.call(method, path).json(json!({})).send();
        answer.status == 401 && answer.body["error"] == "missing_token"
    };
    all.filter(|(method, _)| method != "OPTIONS" && method != "HEAD").filter(asks).collect()
}

#[test]
fn every_guarded_endpoint_takes_tokens_for_this_server_only() {
    let server = Server::with(clients());
    server.user("ada");
    let guarded = guarded(&server);
    assert!(guarded.len() >= 20, "{guarded:?}");
    let browser = Browser::login(&server, "ada");
    for (method, path) in &guarded {
        let is_open = OPEN.contains(&path.trim_end_matches('/'));
        for (client, audience, is_own) in [
            ("default", Value::Null, true),
            ("foreign", Value::Null, false),
            ("own-first", Value::Null, true),
            ("own-first", json!(API), false),
            ("api-first", Value::Null, false),
            ("api-first", json!(OWN), true),
            ("scoped", Value::Null, true),
        ] {
            let session = login(&server, client, &audience);
            let in_header = server.call(method, path).bearer(&session.access).json(json!({})).send();
            // A token in a cookie, as an application of the same host could have set it.
            let cookie = format!("access_token={}; csrf_token={}", session.access, browser.csrf);
            let in_cookie = server.call(method, path).header("Cookie", &cookie).json(json!({})).send();
            for (place, answer) in [("header", in_header), ("cookie", in_cookie)] {
                let refused = answer.status == 401 && answer.body["error"] == "invalid_token";
                let expected = !is_own && !is_open;
                let reads_cookies = place == "header" || answer.body["error"] != "missing_token";
                assert_eq!(
                    refused && reads_cookies,
                    expected && reads_cookies,
                    "{method} {path} in a {place}: {client} {audience} {}",
                    answer.text
                );
            }
        }
    }
}

#[test]
fn the_pages_take_tokens_for_this_server_only() {
    let server = Server::with(clients());
    server.user("ada");
    for (client, is_own) in [("foreign", false), ("api-first", false), ("own-first", true)] {
        let cookie = format!("access_token={}", login(&server, client, &Value::Null).access);
        let get = |path: &str| server.call("GET", path).header("Cookie", &cookie).header("Accept", "text/html").send();
        assert_eq!(get("/account").status, if is_own { 200 } else { 303 }, "{client}");
        assert_eq!(get("/auth/session").body["user"].is_null(), !is_own);
        assert_eq!(get("/auth/session").body["csrf_token"].is_null(), !is_own);
        assert_eq!(get("/auth/verify").status, if is_own { 200 } else { 401 });
        assert_eq!(get("/account/export").status == 200, is_own);
    }
}

#[test]
fn a_token_for_another_service_signs_out_and_is_introspected_and_revoked() {
    let server = Server::with(
        clients()
            .into_iter()
            .chain([
                ("clients.api.secret_hash", hash()),
                ("clients.api.audience", json!([API, "https://more.example"])),
            ])
            .collect(),
    );
    server.user("ada");
    let session = login(&server, "foreign", &Value::Null);
    let ask = |token: &str| {
        let call = server.call("POST", "/auth/introspect").header("Authorization", &basic("api", &secret()));
        call.form(&[("token", token)]).send().expect(200).body
    };
    assert_eq!(ask(&session.access)["aud"], API, "the service is its audience");
    assert_eq!(ask(&login(&server, "default", &Value::Null).access), json!({"active": false}));
    let refreshed = session.refreshed();
    server.form("/auth/revoke", &[("token", &refreshed.access), ("client_id", "foreign")]).expect(200);
    assert_eq!(ask(&refreshed.access), json!({"active": false}));
    session.call("POST", "/auth/logout").send().expect(200);
    session.try_refresh().expect_error(401, "token_revoked");
}

fn hash() -> Value {
    json!(vestibule::domain::client::ClientSecret::from_bytes([1; 32]).hash().to_string())
}

#[test]
fn a_login_and_a_refresh_choose_among_the_audiences_of_the_client() {
    let server = Server::with(clients());
    server.user("ada");
    let aud = |access: &str| claims(access)["aud"].clone();
    let session = login(&server, "api-first", &Value::Null);
    assert_eq!(aud(&session.access), API, "the first is the default");
    let refresh =
        |audience: &str| server.post("/auth/refresh", json!({"refresh_token": session.refresh, "audience": audience}));
    let chosen = refresh(OWN).expect(200);
    assert_eq!((chosen.claims()["aud"].clone(), chosen.claims()["fresh"].clone()), (json!(OWN), json!(false)));
    let own = Session::from(&server, &chosen);
    assert!(own.is_accepted());
    assert_eq!(aud(&own.refreshed().access), API, "a choice concerns one token");

    let refused = refresh("https://evil.example").expect_error(422, "invalid_request");
    assert_eq!(refused.bad_fields(), ["audience"]);
    for (client, audience) in [("default", API), ("foreign", OWN), ("own-first", "")] {
        let refused = try_login(&server, client, &json!(audience), "bearer").expect_error(422, "invalid_request");
        assert_eq!(refused.bad_fields(), ["audience"], "{client} {audience}");
    }
    // A fresh token and a password change keep the audience of the token that they replace.
    let fresh = own.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    assert_eq!(aud(fresh.text_at("access_token")), OWN);
    let new = json!({"current_password": PASSWORD, "new_password": "seven lighthouses in the fog"});
    assert_eq!(aud(&Session::from(&server, &own.post("/users/me/password", new).expect(200)).access), OWN);
}

#[test]
fn the_token_endpoint_takes_a_resource() {
    let server = Server::with(clients());
    server.user("ada");
    let first = server.try_password("ada", &[("client_id", "api-first"), ("resource", OWN)]).expect(200);
    assert_eq!(first.claims()["aud"], OWN);
    let refresh = |resource: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", first.text_at("refresh_token"))];
        server.form("/token", &[&form[..], &[("client_id", "api-first"), ("resource", resource)]].concat())
    };
    assert_eq!(refresh(API).expect(200).claims()["aud"], API);
    refresh("https://evil.example").expect_oauth_error(400, "invalid_target");
    let unknown = server.try_password("ada", &[("client_id", "foreign"), ("resource", OWN)]);
    unknown.expect_oauth_error(400, "invalid_target");
}

#[test]
fn cookies_for_a_client_that_cannot_use_the_account_are_refused() {
    let server = Server::with(clients());
    server.user("ada");
    let refused = try_login(&server, "foreign", &Value::Null, "cookie").expect_error(422, "invalid_request");
    assert_eq!(refused.bad_fields(), ["transport"]);
    assert_eq!(refused.header("set-cookie"), None);
    let refused = try_login(&server, "own-first", &json!(API), "cookie").expect_error(422, "invalid_request");
    assert_eq!(refused.bad_fields(), ["audience"]);
    // A client that can use the account gets cookies that can, whatever its first audience is, and so do its refreshes.
    let browser = Browser::from(&server, &try_login(&server, "api-first", &Value::Null, "cookie").expect(200));
    assert!(browser.is_signed_in());
    let next = browser.refresh().expect(200);
    assert_eq!(claims(next.cookie("access_token").expect("it is set"))["aud"], OWN);
    let secure = json!({"username": "ada", "password": PASSWORD, "client_id": "foreign"});
    server.post("/login/secure", secure).expect_error(422, "invalid_request");
}

#[test]
fn the_pages_of_a_server_whose_default_client_is_for_another_service_say_so() {
    let server = Server::with(unlimited(vec![("clients.default.audience", json!(API))]));
    server.user("ada");
    let page = crate::support::browser::Browser::new(&server).sign_in("ada", PASSWORD);
    assert_eq!(page.status, 422, "{}", page.text);
}

#[get("/token")]
fn token(token: AccessToken) -> String {
    token.subject().to_string()
}

#[get("/fresh")]
fn fresh(token: FreshToken) -> String {
    token.subject().to_string()
}

#[get("/user")]
fn user(user: CurrentUser) -> String {
    user.id().to_string()
}

#[get("/maybe")]
fn maybe(token: MaybeAccessToken) -> String {
    token.token().map_or_else(|| "nobody".to_owned(), |token| token.subject().to_string())
}

#[test]
fn the_routes_of_an_embedding_application_take_every_configured_audience() {
    let server = Server::with_routes(clients(), routes![token, fresh, user, maybe]);
    let ada = server.user("ada");
    for client in ["default", "foreign", "own-first", "api-first", "scoped"] {
        let session = login(&server, client, &Value::Null);
        for path in ["/test/token", "/test/fresh", "/test/user", "/test/maybe"] {
            assert_eq!(session.get(path).expect(200).text, ada.id, "{client} {path}");
        }
    }
}

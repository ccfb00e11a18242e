//! The setting `renew_within`: a response contains a new access token if the token of the request expires soon. A new token
//! never has more rights than the old token.

use rocket::{
    Route, get,
    http::{Header, Status},
    post,
    response::Responder,
    routes,
};
use serde_json::json;
use vestibule::{
    AccessToken, MaybeAccessToken,
    domain::{Permission, user_change::UserChange},
};

use crate::support::{
    Answer, PASSWORD, START, Server, Session, Settings, claims,
    cookies::{Browser, set_cookies},
};

/// The age at which an access token of 15 minutes is renewed, in seconds.
const DUE: i64 = 600;
/// The lifetime of an access token, in seconds.
const END: i64 = 900;

/// A response of an application that caches may store.
#[derive(Responder)]
struct Kept {
    text: &'static str,
    caching: Header<'static>,
}

#[get("/kept")]
fn kept(_token: AccessToken) -> Kept {
    Kept { text: "of an application", caching: Header::new("Cache-Control", "public, max-age=3600") }
}

#[get("/maybe")]
fn maybe(token: MaybeAccessToken) -> &'static str {
    if token.token().is_some() { "somebody" } else { "nobody" }
}

#[get("/open")]
fn open() -> &'static str {
    "anybody"
}

#[post("/fails")]
fn fails(_token: AccessToken) -> (Status, &'static str) {
    (Status::ImATeapot, "not now")
}

fn own_routes() -> Vec<Route> {
    routes![kept, maybe, open, fails]
}

fn server(more: Settings) -> Server {
    Server::with_routes([vec![("renew_within", json!("5m"))], more].concat(), own_routes())
}

/// Returns the new access token in the header of a response.
fn renewed(answer: &Answer) -> Option<&str> {
    answer.header("new-access-token")
}

/// Checks that a response contains no new token and no cookie.
#[track_caller]
fn expect_nothing(answer: &Answer) {
    assert_eq!((renewed(answer), set_cookies(answer)), (None, vec![]), "{}", answer.text);
}

#[test]
fn a_token_in_the_header_is_renewed_in_a_header_from_the_second_that_it_is_due() {
    let server = server(vec![]);
    let session = server.user_with("ada", &[], &["things:read"]).login();
    server.advance(DUE - 1);
    expect_nothing(&session.get("/users/me").expect(200));
    server.advance(1);
    let answer = session.get("/users/me").expect(200);
    let token = renewed(&answer).expect("a new token");
    assert_eq!((set_cookies(&answer), answer.header("cache-control")), (vec![], Some("no-store")));
    let (old, new) = (claims(&session.access), claims(token));
    for same in
        ["iss", "aud", "sub", "sid", "av", "client_id", "scope", "permissions", "roles", "auth_time", "username"]
    {
        assert_eq!(old[same], new[same], "{same}");
    }
    assert_ne!(old["jti"], new["jti"]);
    assert_eq!((&old["fresh"], &new["fresh"]), (&json!(true), &json!(false)));
    assert_eq!((new["iat"].as_i64(), new["exp"].as_i64()), (Some(START + DUE), Some(START + DUE + END)));
    // The new token is accepted like the token of a refresh, and nothing was rotated.
    let next = Session { access: token.to_owned(), ..session.clone() };
    server.advance(END - DUE);
    assert!(next.is_accepted() && !session.is_accepted());
    assert_eq!(server.generation(), 1);
    session.refreshed();
}

#[test]
fn a_token_in_a_cookie_is_renewed_in_the_cookie() {
    let server = server(vec![]);
    server.user("ada");
    let browser = Browser::login(&server, "ada");
    expect_nothing(&browser.blind("GET", "/users/me").send().expect(200));
    server.advance(DUE);
    let answer = browser.blind("GET", "/users/me").send().expect(200);
    assert_eq!((renewed(&answer), set_cookies(&answer)), (None, vec!["access_token"]));
    let line = answer.set_cookie("access_token").expect("a cookie").to_ascii_lowercase();
    for attribute in ["httponly", "samesite=lax", "path=/", "max-age=604200"] {
        assert!(line.contains(attribute), "{line}");
    }
    let next = Browser { access: answer.cookie("access_token").expect("a cookie").to_owned(), ..browser };
    assert_eq!(claims(&next.access)["fresh"], false);
    server.advance(END - DUE);
    assert!(next.is_signed_in());
    // The CSRF token of the session is still valid.
    next.call("POST", "/auth/revoke_other_session").send().expect(200);
}

#[test]
fn routes_of_an_application_renew_too_and_their_response_is_not_cached() {
    let server = server(vec![]);
    let session = server.user("ada").login();
    assert_eq!(session.get("/test/kept").header("cache-control"), Some("public, max-age=3600"));
    server.advance(DUE);
    let answer = session.get("/test/kept").expect(200);
    assert!(renewed(&answer).is_some());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(renewed(&session.get("/test/maybe").expect(200)).is_some());
    assert!(renewed(&session.call("POST", "/test/fails").send().expect(418)).is_some());
    expect_nothing(&session.get("/test/open").expect(200));
    expect_nothing(&session.get("/health").expect(200));
    expect_nothing(&server.call("GET", "/test/maybe").send().expect(200));
    // A request without a route or with a refused token gets no new token.
    expect_nothing(&session.get("/nowhere").expect(404));
    expect_nothing(&server.call("GET", "/test/kept").bearer("a.b.c").send().expect(401));
    server.advance(END - DUE);
    expect_nothing(&session.get("/test/kept").expect(401));
}

#[test]
fn without_the_setting_no_token_is_renewed() {
    let server = Server::with_routes(vec![], own_routes());
    let session = server.user("ada").login();
    server.advance(END - 1);
    expect_nothing(&session.get("/users/me").expect(200));
}

#[test]
fn a_bound_session_and_forward_authentication_get_no_new_token() {
    let server = server(vec![]);
    let ada = server.user("ada");
    let print = json!({"visitorId": "v", "os": "Linux", "browser": "Chrome", "canvasPrint": "c", "fonts": "f", "cpu": "x",
        "screenPrint": "s", "timezone": "t", "language": "l", "deviceMemory": 8, "hardwareConcurrency": 4});
    let (bound, free) = (ada.login_with(json!({"fingerprint": print})), ada.login());
    server.advance(DUE);
    expect_nothing(&bound.get("/users/me").expect(200));
    expect_nothing(&free.get("/auth/verify").expect(200));
    let cookie = format!("access_token={}", free.access);
    expect_nothing(&server.call("GET", "/auth/verify").header("Cookie", &cookie).send().expect(200));
    assert!(renewed(&free.get("/users/me")).is_some());
}

#[test]
fn a_response_that_issues_or_revokes_tokens_contains_no_renewed_token() {
    let server = server(vec![]);
    let ada = server.user("ada");
    let (session, leaving, everywhere) = (ada.login(), ada.login(), ada.login());
    server.user("bob");
    let (browser, out) = (Browser::login(&server, "bob"), Browser::login(&server, "bob"));
    server.advance(DUE);
    let fresh = session.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    assert_eq!((renewed(&fresh), fresh.claims()["fresh"].as_bool()), (None, Some(true)));
    let fresh = browser.call("POST", "/auth/fresh").json(json!({"password": PASSWORD})).send().expect(200);
    assert_eq!(set_cookies(&fresh), ["access_token"]);
    assert_eq!(claims(fresh.cookie("access_token").expect("a cookie"))["fresh"], true);
    // A failed call issues no token itself, so the access token is renewed.
    assert!(renewed(&session.post("/auth/fresh", json!({"password": "wrong"})).expect(401)).is_some());
    let logout = leaving.post("/auth/logout", json!({})).expect(200);
    assert_eq!((renewed(&logout), logout.cookie("access_token")), (None, Some("")));
    let logout = out.call("POST", "/auth/logout_all").send().expect(200);
    assert_eq!(logout.cookie("access_token"), Some(""));
    let body = json!({"current_password": PASSWORD, "new_password": "seven lighthouses in the fog"});
    assert_eq!(renewed(&session.post("/users/me/password", body).expect(200)), None);
    expect_nothing(&everywhere.get("/users/me").expect(401));
}

#[test]
fn a_renewed_token_expires_no_later_than_the_refresh_token() {
    let short = vec![("refresh_token_lifetime", json!("20m")), ("session_lifetime", json!("90d"))];
    let server = server(short);
    let session = server.user("ada").login();
    server.advance(DUE);
    let first = renewed(&session.get("/users/me").expect(200)).expect("a token").to_owned();
    assert_eq!(claims(&first)["exp"], START + 1_200);
    let next = Session { access: first, ..session.clone() };
    server.advance(DUE - 1);
    // A new token would not expire later, so no token is issued.
    expect_nothing(&next.get("/users/me").expect(200));
    server.advance(1);
    next.get("/users/me").expect_error(401, "token_expired");
    session.try_refresh().expect_error(401, "token_expired");
}

#[test]
fn a_client_that_ignores_the_new_token_causes_one_write() {
    let server = server(vec![]);
    let session = server.user("ada").login();
    let recorded = || server.access_expires_at() - START;
    let exp = |answer: &Answer| claims(renewed(answer).expect("a token"))["exp"].as_i64().expect("a time") - START;
    assert_eq!(recorded(), END);
    server.advance(DUE);
    assert_eq!((exp(&session.get("/users/me")), recorded()), (DUE + END, DUE + END));
    server.advance(200);
    assert_eq!((exp(&session.get("/users/me")), recorded()), (DUE + END, DUE + END));
}

#[test]
fn a_revocation_applies_to_renewed_tokens_until_they_expire() {
    let server = server(vec![]);
    let session = server.user("ada").login();
    server.advance(DUE);
    let next = Session { access: renewed(&session.get("/users/me")).expect("a token").to_owned(), ..session.clone() };
    let access = next.access.clone();
    assert!(next.is_accepted());
    session.post("/auth/logout", json!({})).expect(200);
    next.get("/users/me").expect_error(401, "token_revoked");
    server.advance(END - 1);
    let server = server.restart();
    server.call("GET", "/users/me").bearer(&access).send().expect_error(401, "token_revoked");
}

#[test]
fn a_token_that_outlives_its_session_is_not_renewed() {
    let server = server(vec![("blacklist_strategy", json!("BLACKLIST_REFRESH"))]);
    let session = server.user("ada").login();
    session.post("/auth/logout", json!({})).expect(200);
    server.advance(DUE);
    expect_nothing(&session.get("/users/me").expect(200));
}

#[test]
fn a_token_is_not_renewed_after_a_change_of_the_users_rights() {
    let server = server(vec![]);
    let ada = server.user_with("ada", &[], &["things:read"]);
    let session = ada.login();
    ada.change(UserChange {
        permissions: vestibule::domain::user_change::ListChange::adding(vec![
            Permission::parse("things:write").expect("a permission"),
        ]),
        ..UserChange::default()
    });
    server.advance(DUE);
    // The user's rights have changed, so the token is not renewed. The new permission comes with a refresh.
    expect_nothing(&session.get("/users/me").expect(200));
    let next = session.refreshed();
    assert_eq!(claims(&next.access)["scope"], "things:read things:write");
    ada.change(UserChange {
        permissions: vestibule::domain::user_change::ListChange::removing(vec!["things:read".to_owned()]),
        ..UserChange::default()
    });
    server.advance(DUE);
    expect_nothing(&next.get("/users/me").expect(401));
}

#[test]
fn a_page_of_an_allowed_origin_may_read_the_new_token() {
    let server = server(vec![("cors_allowed_origins", json!(["https://app.example.com"]))]);
    let session = server.user("ada").login();
    server.advance(DUE);
    let answer = session.call("GET", "/users/me").header("Origin", "https://app.example.com").send().expect(200);
    assert!(renewed(&answer).is_some());
    assert!(answer.header("access-control-expose-headers").is_some_and(|names| names.contains("New-Access-Token")));
}

#[test]
fn a_bearer_who_may_not_introspect_gets_no_new_token() {
    let server = server(vec![("clients.other.audience", json!("https://api.example.com"))]);
    server.user("ada");
    let body = json!({"username": "ada", "password": PASSWORD, "client_id": "other"});
    let access = server.post("/auth/login", body).expect(200).text_at("access_token").to_owned();
    server.advance(DUE);
    let form = [("token", access.as_str())];
    let answer = server.call("POST", "/auth/introspect").bearer(&access).form(&form).send().expect(401);
    expect_nothing(&answer);
}

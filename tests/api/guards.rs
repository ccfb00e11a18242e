//! The request guards of access tokens, on routes of an application.

use rocket::{Route, get, post, routes, serde::json::Json};
use serde_json::{Value, json};
use vestibule::{AccessToken, CurrentUser, FreshToken, MaybeAccessToken};

use crate::support::{Server, wait_for};

#[get("/token")]
fn token(token: AccessToken) -> String {
    token.claims().sub.to_string()
}

#[get("/maybe")]
fn maybe(token: MaybeAccessToken) -> String {
    token.token().map_or_else(|| "nobody".to_owned(), |token| token.claims().sub.to_string())
}

#[get("/fresh")]
fn fresh(token: FreshToken) -> String {
    token.claims().sub.to_string()
}

#[post("/fresh")]
fn change(token: FreshToken) -> String {
    token.claims().sub.to_string()
}

#[get("/user")]
fn user(user: CurrentUser) -> Json<Value> {
    let permissions: Vec<&str> = user.permissions().iter().map(|permission| permission.as_str()).collect();
    Json(json!({
        "id": user.id().to_string(),
        "username": user.username(),
        "email": user.email(),
        "session": user.session_id().to_string(),
        "roles": user.roles(),
        "permissions": permissions,
        "reads": user.has_permission("things:read"),
        "writes": user.has_permission("things:write"),
    }))
}

#[get("/several")]
fn several(token: AccessToken, maybe: MaybeAccessToken, fresh: FreshToken, user: CurrentUser) -> String {
    assert_eq!(maybe.token().map(|token| token.claims().jti), Some(token.claims().jti));
    assert_eq!(fresh.claims().jti, token.claims().jti);
    user.id().to_string()
}

/// Returns the routes of the application. They are mounted below `/test`.
fn own_routes() -> Vec<Route> {
    routes![token, maybe, fresh, change, user, several]
}

/// The paths of the routes that take a `GET`.
const OWN: [&str; 5] = ["/test/token", "/test/maybe", "/test/fresh", "/test/user", "/test/several"];

#[test]
fn each_guard_admits_only_the_tokens_that_it_requires() {
    let server = Server::with_routes(vec![], own_routes());
    let ada = server.user("ada");
    let session = ada.login();
    for path in OWN {
        let call = |authorization: &str| server.call("GET", path).header("Authorization", authorization).send();
        for nothing in [server.call("GET", path).send(), call("Basic YWRhOnB3"), call("Bearer")] {
            if path == "/test/maybe" {
                assert_eq!(nothing.expect(200).text, "nobody");
            } else {
                nothing.expect_error(401, "missing_token");
            }
        }
        assert!(session.get(path).expect(200).text.contains(&ada.id), "{path}");
        for forged in ["x", "a.b.c", &session.access[..session.access.len() - 4], &format!("{}x", session.access)] {
            call(&format!("Bearer {forged}")).expect_error(401, "invalid_token");
        }
        call(&format!("Bearer {}", session.refresh)).expect_error(401, "wrong_token_type");
        call(&format!("Bearer {}", "x".repeat(9000))).expect_error(400, "malformed_request");
    }
    let stale = session.refreshed();
    for path in OWN {
        let answer = stale.get(path);
        if path == "/test/fresh" || path == "/test/several" {
            let answer = answer.expect_error(401, "fresh_token_required");
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(challenge.contains(r#"error="insufficient_user_authentication""#), "{challenge}");
        } else {
            answer.expect(200);
        }
    }
    session.post("/auth/logout", json!({"refresh_token": stale.refresh})).expect(200);
    for path in OWN {
        session.get(path).expect_error(401, "token_revoked");
    }
    server.advance(900);
    for path in OWN {
        session.get(path).expect_error(401, "token_expired");
    }
}

#[test]
fn the_current_user_is_read_from_the_token() {
    let claims = vec![("token_claims", json!(["username", "email"]))];
    let server = Server::with_routes(claims, own_routes());
    let ada = server.user_with("ada", &[], &["things:read", "a:b"]);
    let session = ada.login();
    let expected = json!({
        "id": ada.id, "username": "ada", "email": "ada@example.com", "session": session.id, "roles": [],
        "permissions": ["a:b", "things:read"], "reads": true, "writes": false,
    });
    assert_eq!(session.get("/test/user").expect(200).body, expected);
    let usual = Server::with_routes(vec![], own_routes());
    let answer = usual.user_with("root", &["admin"], &[]).login().get("/test/user").expect(200);
    assert_eq!((&answer.body["email"], &answer.body["roles"]), (&Value::Null, &json!(["admin"])));
}

#[test]
fn a_guard_also_accepts_a_cookie_with_its_csrf_token() {
    let server = Server::with_routes(vec![], own_routes());
    let ada = server.user("ada");
    let login = ada.try_login(json!({"transport": "cookie"})).expect(200);
    let cookie = format!("access_token={}", login.cookie("access_token").expect("a cookie"));
    for path in OWN {
        assert!(server.call("GET", path).header("Cookie", &cookie).send().expect(200).text.contains(&ada.id), "{path}");
        server.call("GET", path).header("Cookie", "access_token=a.b.c").send().expect_error(401, "invalid_token");
    }
    let change = || server.call("POST", "/test/fresh").header("Cookie", &cookie);
    change().send().expect_error(403, "csrf_failed");
    change().header("X-CSRF-Token", login.text_at("csrf_token")).send().expect(200);
}

#[test]
fn a_guard_of_an_access_token_reads_no_database() {
    let server = Server::with_routes(vec![], own_routes());
    let (ada, bob) = (server.user("ada").login(), server.user("bob").login());
    bob.post("/auth/logout", json!({})).expect(200);
    wait_for(server.vestibule.store.close());
    ada.get("/users/me").expect_error(503, "storage_unavailable");
    for path in OWN {
        ada.get(path).expect(200);
        bob.get(path).expect_error(401, "token_revoked");
    }
}

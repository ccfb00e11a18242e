//! The guards that require a permission or a refresh token, and the claims that each guard returns.

use rocket::{Route, get, post, routes, serde::json::Json};
use serde_json::{Value, json};
use vestibule::{
    AccessToken, CurrentUser, FreshToken, MaybeAccessToken, PermissionName, RefreshToken, Require,
    domain::user_change::UserChange, permission,
};

use crate::support::{Answer, Server, claims, oauth::clients};

permission! {
    /// The permission to delete the posts of other users.
    pub DeletePosts = "delete:posts";
    ReadPosts = "read:posts";
}

#[get("/read")]
fn read(token: Require<ReadPosts>) -> String {
    token.subject().to_string()
}

#[post("/delete")]
fn delete(token: Require<DeletePosts>, again: Require<ReadPosts>) -> String {
    assert_eq!(token.jti(), again.jti());
    token.session_id().to_string()
}

#[get("/token")]
fn of_token(token: AccessToken) -> Json<Value> {
    described(&token)
}

#[get("/maybe")]
fn of_maybe(token: MaybeAccessToken) -> Json<Value> {
    token.token().map_or(Json(Value::Null), described)
}

#[get("/fresh")]
fn of_fresh(token: FreshToken) -> Json<Value> {
    described(&token)
}

#[get("/user")]
fn of_user(user: CurrentUser) -> Json<Value> {
    described(&user)
}

#[get("/require")]
fn of_require(token: Require<ReadPosts>) -> Json<Value> {
    described(&token)
}

#[get("/shown")]
fn shown(token: Require<ReadPosts>) -> String {
    format!("{token:?}")
}

/// Returns what the methods of a guard return for its token.
fn described(token: &AccessToken) -> Json<Value> {
    Json(json!({
        "raw": token.raw_claims(),
        "subject": token.subject(),
        "jti": token.jti(),
        "roles": token.roles(),
        "is_admin": token.has_role("admin"),
        "is_editor": token.has_role("editor"),
        "reads": token.has_permission("read:posts"),
        "deletes": token.has_permission("delete:posts"),
    }))
}

#[get("/refresh")]
fn of_refresh(token: RefreshToken) -> Json<Value> {
    Json(json!({
        "raw": token.raw_claims(),
        "subject": token.subject(),
        "jti": token.jti(),
        "session": token.session_id(),
        "client": token.client_id(),
    }))
}

/// Returns the routes of the application. They are mounted below `/test`.
fn own_routes() -> Vec<Route> {
    routes![read, delete, of_token, of_maybe, of_fresh, of_user, of_require, shown, of_refresh]
}

#[test]
fn a_refusal_names_the_permission_that_is_missing() {
    let server = Server::with_routes(vec![], own_routes());
    let reader = server.user_with("reader", &[], &["read:posts", "read:posts:all"]).login();
    let editor = server.user_with("editor", &[], &["delete:posts", "read:posts"]).login();
    let nobody = server.user("nobody").login();
    reader.get("/test/read").expect(200);
    assert_eq!(editor.call("POST", "/test/delete").send().expect(200).text, editor.id);
    for (answer, permission) in [
        (reader.call("POST", "/test/delete").send(), "delete:posts"),
        (nobody.call("POST", "/test/delete").send(), "delete:posts"),
        (nobody.get("/test/read"), "read:posts"),
    ] {
        let refused = answer.expect_error(403, "insufficient_scope");
        assert!(refused.text_at("detail").contains(permission), "{}", refused.text);
        let challenge = format!(r#"Bearer realm="vestibule", error="insufficient_scope", scope="{permission}""#);
        assert_eq!(refused.header("www-authenticate"), Some(challenge.as_str()));
    }
    // Without a valid access token the response is 401, because the permission can't be checked.
    server.call("GET", "/test/read").send().expect_error(401, "missing_token");
    server.call("GET", "/test/read").bearer("x").send().expect_error(401, "invalid_token");
    server.call("GET", "/test/read").bearer(&reader.refresh).send().expect_error(401, "wrong_token_type");
    assert_eq!((DeletePosts::NAME, ReadPosts::NAME), ("delete:posts", "read:posts"));
}

#[test]
fn a_guard_that_is_printed_names_its_permission_and_shows_no_token() {
    let server = Server::with_routes(vec![], own_routes());
    let reader = server.user_with("reader", &[], &["read:posts"]).login();
    let shown = reader.get("/test/shown").expect(200).text;
    assert!(shown.starts_with(r#"Require("read:posts", AccessToken"#), "{shown}");
    let signature = reader.access.rsplit('.').next().expect("a signature");
    assert!(!shown.contains(signature), "{shown}");
}

#[test]
fn a_permission_that_was_removed_or_not_requested_does_not_admit() {
    let server = Server::with_routes(vec![], own_routes());
    let reader = server.user_with("reader", &[], &["read:posts", "write:posts"]);
    let narrowed = server.try_password("reader", &[("scope", "write:posts")]).expect(200);
    let call = server.call("GET", "/test/read").bearer(narrowed.text_at("access_token"));
    call.send().expect_error(403, "insufficient_scope");
    let session = reader.login();
    session.get("/test/read").expect(200);
    reader.change(UserChange {
        permissions: vestibule::domain::user_change::ListChange::removing(vec!["read:posts".to_owned()]),
        ..UserChange::default()
    });
    session.get("/test/read").expect_error(401, "token_revoked");
    session.refreshed().get("/test/read").expect_error(403, "insufficient_scope");
}

#[test]
fn a_foreign_page_does_not_learn_the_permissions_of_the_user() {
    let server = Server::with_routes(vec![], own_routes());
    let body = json!({"username": "ada", "password": crate::support::PASSWORD, "transport": "cookie"});
    server.user("ada");
    let cookie = server.post("/auth/login", body).expect(200).cookie("access_token").expect("a cookie").to_owned();
    let call = server.call("POST", "/test/delete").header("Cookie", &format!("access_token={cookie}"));
    call.header("Origin", "https://foreign.test").send().expect_error(403, "csrf_failed");
}

#[test]
fn every_guard_returns_the_claims_of_its_token() {
    let server = Server::with_routes(vec![], own_routes());
    let ada = server.user_with("ada", &["admin"], &["read:posts"]);
    let set_claims = json!({"team": {"name": "red"}}).as_object().expect("an object").clone();
    ada.change(UserChange {
        claims: vestibule::domain::user_change::ClaimsChange::Edit { set: set_claims, remove: Vec::new() },
        ..UserChange::default()
    });
    let session = ada.login();
    let token = claims(&session.access);
    for path in ["/test/token", "/test/maybe", "/test/fresh", "/test/user", "/test/require"] {
        let said = session.get(path).expect(200).body;
        assert_eq!(said["raw"], token, "{path}");
        assert_eq!((&said["subject"], &said["jti"], &said["roles"]), (&token["sub"], &token["jti"], &token["roles"]));
        assert_eq!((&said["is_admin"], &said["reads"]), (&json!(true), &json!(true)));
        assert_eq!((&said["is_editor"], &said["deletes"]), (&json!(false), &json!(false)));
        assert_eq!(said["raw"]["team"]["name"], "red");
    }
}

#[test]
fn a_refresh_token_is_admitted_while_a_refresh_would_accept_it() {
    let server = Server::with_routes(clients(), own_routes());
    let ada = server.user("ada");
    let show = |token: &str| -> Answer { server.call("GET", "/test/refresh").bearer(token).send() };
    let session = ada.login();
    let said = show(&session.refresh).expect(200).body;
    let token = claims(&session.refresh);
    assert_eq!((&said["raw"], &said["subject"], &said["jti"]), (&token, &token["sub"], &token["jti"]));
    assert_eq!((&said["session"], &said["client"]), (&json!(session.id), &json!("default")));
    // The guard does not use the token up. It also admits a refresh token of a confidential client.
    assert_eq!(server.highest_generation(), 1);
    let of_backend = server.try_backend("ada", &[]).expect(200);
    assert_eq!(show(of_backend.text_at("refresh_token")).expect(200).body["client"], "backend");

    show(&session.access).expect_error(401, "wrong_token_type");
    server.call("GET", "/test/refresh").send().expect_error(401, "missing_token");
    let in_cookie = server.call("GET", "/test/refresh").header("Cookie", &format!("refresh_token={}", session.refresh));
    in_cookie.send().expect_error(401, "missing_token");
    for forged in ["x", "a.b.c", &format!("{}x", session.refresh)] {
        show(forged).expect_error(401, "invalid_token");
    }
    show(&"x".repeat(9000)).expect_error(400, "malformed_request");
    let next = session.refreshed();
    show(&session.refresh).expect(200);
    server.advance(31);
    // After the grace the token is reused, so the guard refuses it. Unlike a refresh, the guard does not end the session.
    show(&session.refresh).expect_error(401, "token_revoked");
    show(&next.refresh).expect(200);
    next.post("/auth/logout", json!({})).expect(200);
    show(&next.refresh).expect_error(401, "token_revoked");
    let disabled = ada.login();
    ada.disable();
    show(&disabled.refresh).expect_error(401, "token_revoked");
    let old = server.user("eve").login();
    server.advance(604_800);
    show(&old.refresh).expect_error(401, "token_expired");
}

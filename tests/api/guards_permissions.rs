//! Guards that ask for a permission or for a refresh token, and what each guard tells of its token.

use rocket::{Route, get, post, routes, serde::json::Json};
use serde_json::{Value, json};
use vestibule::{
    AccessToken, CurrentUser, FreshToken, MaybeAccessToken, PermissionName, RefreshToken, Require,
    flows::users::change_user::UserChange, permission,
};

use crate::support::{Answer, Server, claims, oauth::clients};

permission! {
    /// To remove what others wrote.
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

fn described(token: &AccessToken) -> Json<Value> {
    Json(json!({
        "raw": token.raw_claims(),
        "subject": token.subject(),
        "jti": token.jti(),
        "roles": token.roles(),
        "is_admin": token.has_role("admin"),
        "reads": token.has_permission("read:posts"),
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

fn own_routes() -> Vec<Route> {
    routes![read, delete, of_token, of_maybe, of_fresh, of_user, of_require, of_refresh]
}

#[test]
fn who_lacks_a_permission_is_told_which() {
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
    // Without a token, or with a bad one, it is a matter of the token.
    server.call("GET", "/test/read").send().expect_error(401, "missing_token");
    server.call("GET", "/test/read").bearer("x").send().expect_error(401, "invalid_token");
    server.call("GET", "/test/read").bearer(&reader.refresh).send().expect_error(401, "wrong_token_type");
    assert_eq!((DeletePosts::NAME, ReadPosts::NAME), ("delete:posts", "read:posts"));
}

#[test]
fn a_permission_that_was_taken_or_not_asked_for_does_not_let_in() {
    let server = Server::with_routes(vec![], own_routes());
    let reader = server.user_with("reader", &[], &["read:posts", "write:posts"]);
    let narrowed = server.try_password("reader", &[("scope", "write:posts")]).expect(200);
    let call = server.call("GET", "/test/read").bearer(narrowed.text_at("access_token"));
    call.send().expect_error(403, "insufficient_scope");
    let session = reader.login();
    session.get("/test/read").expect(200);
    reader.change(UserChange { remove_permissions: vec!["read:posts".to_owned()], ..UserChange::default() });
    session.get("/test/read").expect_error(401, "token_revoked");
    session.refreshed().get("/test/read").expect_error(403, "insufficient_scope");
}

#[test]
fn a_foreign_page_does_not_learn_what_the_user_may() {
    let server = Server::with_routes(vec![], own_routes());
    let body = json!({"username": "ada", "password": crate::support::PASSWORD, "transport": "cookie"});
    server.user("ada");
    let cookie = server.post("/auth/login", body).expect(200).cookie("access_token").expect("a cookie").to_owned();
    let call = server.call("POST", "/test/delete").header("Cookie", &format!("access_token={cookie}"));
    call.header("Origin", "https://foreign.test").send().expect_error(403, "csrf_failed");
}

#[test]
fn every_guard_tells_what_its_token_says() {
    let server = Server::with_routes(vec![], own_routes());
    let ada = server.user_with("ada", &["admin"], &["read:posts"]);
    let set_claims = json!({"team": {"name": "red"}}).as_object().expect("an object").clone();
    ada.change(UserChange { set_claims, ..UserChange::default() });
    let session = ada.login();
    let token = claims(&session.access);
    for path in ["/test/token", "/test/maybe", "/test/fresh", "/test/user", "/test/require"] {
        let said = session.get(path).expect(200).body;
        assert_eq!(said["raw"], token, "{path}");
        assert_eq!((&said["subject"], &said["jti"], &said["roles"]), (&token["sub"], &token["jti"], &token["roles"]));
        assert_eq!((&said["is_admin"], &said["reads"]), (&json!(true), &json!(true)));
        assert_eq!(said["raw"]["team"]["name"], "red");
    }
}

#[test]
fn a_refresh_token_lets_in_while_it_would_get_something() {
    let server = Server::with_routes(clients(), own_routes());
    let ada = server.user("ada");
    let show = |token: &str| -> Answer { server.call("GET", "/test/refresh").bearer(token).send() };
    let session = ada.login();
    let said = show(&session.refresh).expect(200).body;
    let token = claims(&session.refresh);
    assert_eq!((&said["raw"], &said["subject"], &said["jti"]), (&token, &token["sub"], &token["jti"]));
    assert_eq!((&said["session"], &said["client"]), (&json!(session.id), &json!("default")));
    // It was not used by that, and one of a confidential client is one too.
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
    // The token is superseded; but presenting it here does not end the session.
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

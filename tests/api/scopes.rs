//! The parameter `scope`: with it a client limits the permissions in its tokens, and no later request extends them.

use serde_json::{Value, json};
use vestibule::domain::{Permission, user_change::UserChange};

use crate::support::{Answer, PASSWORD, Server};

fn refresh(server: &Server, token: &str, more: &[(&str, &str)]) -> Answer {
    server.form("/token", &[&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat())
}

/// Returns the permissions in an access token. Checks that the claim `scope` contains the same permissions.
fn permissions(answer: &Answer) -> Value {
    let claims = answer.claims();
    let listed: Vec<&str> =
        claims["permissions"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(claims["scope"], listed.join(" "));
    if !answer.body["scope"].is_null() {
        assert_eq!(answer.body["scope"], claims["scope"]);
    }
    claims["permissions"].clone()
}

#[test]
fn a_session_keeps_the_scope_of_its_login() {
    let server = Server::start();
    server.user_with("ada", &["admin"], &["a:x", "b:x", "c:x"]);
    let answer = server.try_password("ada", &[("scope", "b:x  a:x openid profile b:x")]).expect(200);
    assert_eq!(permissions(&answer), json!(["a:x", "b:x"]));
    // A scope limits permissions only. Roles describe the user, so they stay in the token.
    assert_eq!(answer.claims()["roles"], json!(["admin"]));
    server.call("GET", "/users/me").bearer(answer.text_at("access_token")).send().expect(200);
    let token = answer.text_at("refresh_token");
    let next = refresh(&server, token, &[]).expect(200);
    assert_eq!(permissions(&next), json!(["a:x", "b:x"]));
    let elsewhere = server.post("/auth/refresh", json!({"refresh_token": next.text_at("refresh_token")})).expect(200);
    assert_eq!(permissions(&elsewhere), json!(["a:x", "b:x"]));
    let fresh = server.call("POST", "/auth/fresh").bearer(answer.text_at("access_token"));
    assert_eq!(permissions(&fresh.json(json!({"password": PASSWORD})).send().expect(200)), json!(["a:x", "b:x"]));
    let new = json!({"current_password": PASSWORD, "new_password": "seven slow ferries north"});
    let changed = server.call("POST", "/users/me/password").bearer(answer.text_at("access_token")).json(new).send();
    let changed = changed.expect(200);
    assert_eq!(permissions(&changed), json!(["a:x", "b:x"]));
    let export = server.call("GET", "/users/me/export").bearer(changed.text_at("access_token")).send().expect(200);
    assert_eq!(export.body["sessions"][0]["scope"], "a:x b:x");
}

#[test]
fn a_refresh_can_narrow_one_access_token_and_never_extends_the_scope() {
    let server = Server::start();
    server.user_with("ada", &[], &["a:x", "b:x", "c:x"]);
    let answer = server.try_password("ada", &[("scope", "a:x b:x")]).expect(200);
    let first = answer.text_at("refresh_token");
    for scope in ["c:x", "a:x c:x", "a:x nobody", "A:X", "a:x\tb:x", "\u{e9}", "\"a\""] {
        refresh(&server, first, &[("scope", scope)]).expect_oauth_error(400, "invalid_scope");
    }
    assert_eq!(server.sum_of_generations(), 1, "nothing rotated");
    let narrow = refresh(&server, first, &[("scope", "a:x openid")]).expect(200);
    assert_eq!(permissions(&narrow), json!(["a:x"]));
    let next = refresh(&server, narrow.text_at("refresh_token"), &[]).expect(200);
    assert_eq!(permissions(&next), json!(["a:x", "b:x"]));
    // A repeated refresh within the grace period narrows the scope too.
    let again = refresh(&server, first, &[("scope", "b:x")]).expect(200);
    assert_eq!(permissions(&again), json!(["b:x"]));
    assert_eq!(again.body["refresh_token"], next.body["refresh_token"]);
    refresh(&server, first, &[("scope", "c:x")]).expect_oauth_error(400, "invalid_scope");
    // A login without a scope grants all permissions of the user.
    let open = server.try_password("ada", &[]).expect(200);
    let narrow = refresh(&server, open.text_at("refresh_token"), &[("scope", "c:x")]).expect(200);
    assert_eq!(permissions(&narrow), json!(["c:x"]));
    refresh(&server, narrow.text_at("refresh_token"), &[("scope", "d:x")]).expect_oauth_error(400, "invalid_scope");
}

#[test]
fn a_reused_token_ends_its_session_whatever_scope_is_requested() {
    let server = Server::start();
    server.user("ada");
    let first = server.try_password("ada", &[]).expect(200).text_at("refresh_token").to_owned();
    let next = refresh(&server, &first, &[]).expect(200);
    server.advance(31);
    refresh(&server, &first, &[("scope", "nobody")]).expect_oauth_error(400, "invalid_grant");
    refresh(&server, next.text_at("refresh_token"), &[]).expect_oauth_error(400, "invalid_grant");
}

#[test]
fn a_session_with_a_scope_loses_removed_permissions_and_gains_no_new_ones() {
    let server = Server::start();
    let ada = server.user_with("ada", &[], &["a:x", "b:x"]);
    let answer = server.try_password("ada", &[("scope", "a:x b:x")]).expect(200);
    ada.change(UserChange {
        permissions: vestibule::domain::user_change::ListChange::Edit {
            add: vec![Permission::parse("c:x").expect("a permission")],
            remove: vec!["b:x".to_owned()],
        },
        ..UserChange::default()
    });
    let next = refresh(&server, answer.text_at("refresh_token"), &[]).expect(200);
    assert_eq!(permissions(&next), json!(["a:x"]));
    // The session was granted this permission, so the request is valid. The user has lost it, so the token does not contain it.
    let next = refresh(&server, next.text_at("refresh_token"), &[("scope", "b:x")]).expect(200);
    assert_eq!(permissions(&next), json!([]));
    refresh(&server, next.text_at("refresh_token"), &[("scope", "c:x")]).expect_oauth_error(400, "invalid_scope");
}

#[test]
fn a_login_can_not_request_permissions_that_the_user_does_not_have() {
    let server = Server::start();
    server.user_with("ada", &[], &["a:x"]);
    let many: Vec<String> = (0..1000).map(|number| format!("p{number}")).collect();
    for scope in ["a:x b:x", "b:x", "a:x\n", "\"", "\\", "a:x \u{1f511}", &many.join(" "), &"x".repeat(65)] {
        server.try_password("ada", &[("scope", scope)]).expect_oauth_error(400, "invalid_scope");
    }
    assert_eq!(server.count_sessions(), 0);
    // Without the password the response does not reveal which permissions the user has.
    for scope in ["a:x", "b:x"] {
        let form = [("username", "ada"), ("password", "a short swim"), ("scope", scope)];
        server.form("/token", &form).expect_oauth_error(400, "invalid_grant");
    }
    for scope in ["", " ", "openid profile email address phone offline_access"] {
        assert_eq!(permissions(&server.try_password("ada", &[("scope", scope)]).expect(200)), json!(["a:x"]));
    }
    let same = vec!["a:x"; 1000].join(" ");
    assert_eq!(permissions(&server.try_password("ada", &[("scope", &same)]).expect(200)), json!(["a:x"]));
}

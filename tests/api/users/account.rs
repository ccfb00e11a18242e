//! `PATCH /users/me`, `POST /users/me/password` and `GET /users/me/export`: an owner changes and exports their account.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{OTHER, USER, fields, register};
use crate::support::{Answer, PASSWORD, Server, Session};

#[test]
fn renaming_needs_a_fresh_token() {
    let server = Server::start();
    let stale = server.user("ada").login().refreshed();
    let patch = |session: &Session<'_>, body: Value| session.call("PATCH", "/users/me").json(body).send();
    let refused = patch(&stale, json!({"username": "eve"})).expect_error(401, "fresh_token_required");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with(r#"Bearer realm="vestibule", error="insufficient_user_authentication""#),
        "{challenge}"
    );
    let fresh = stale.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    let rename = server.call("PATCH", "/users/me").bearer(fresh.text_at("access_token"));
    assert_eq!(rename.json(json!({"username": "eve"})).send().expect(200).body["username"], "eve");
}

#[test]
fn names_are_changed_kept_and_removed() {
    let server = Server::start();
    let (ada, _) = (server.user("ada"), server.user("bob"));
    let session = ada.login();
    let patch = |body: Value| session.call("PATCH", "/users/me").json(body).send();
    let user = patch(json!({})).expect(200);
    assert_eq!((fields(&user), user.text_at("username")), (BTreeSet::from(USER), "ada"));
    assert_eq!(patch(json!({"username": "ADA"})).expect(200).body["username"], "ADA");
    let user = patch(json!({"email": null})).expect(200);
    assert_eq!((&user.body["username"], &user.body["email"]), (&json!("ADA"), &Value::Null));
    for last in [json!({"username": null}), json!({"username": null, "email": null})] {
        patch(last).expect_error(422, "invalid_request");
    }
    let user = patch(json!({"username": null, "email": "lovelace@example.com"})).expect(200);
    assert_eq!((&user.body["username"], &user.body["email"]), (&Value::Null, &json!("lovelace@example.com")));
    patch(json!({"email": null})).expect_error(422, "invalid_request");
    for taken in
        [json!({"username": "BOB"}), json!({"email": "Bob@example.com"}), json!({"username": "bob", "email": "x@y.z"})]
    {
        patch(taken).expect_error(409, "already_exists");
    }
    assert_eq!(session.get("/users/me").expect(200).body, user.body);
    server.try_login("ada", PASSWORD).expect_error(401, "invalid_credentials");
    server.try_login("lovelace@example.com", PASSWORD).expect(200);
    // Other users can take the names that were given up.
    register(&server, json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD})).expect(201);
}

#[test]
fn a_required_name_can_not_be_removed() {
    for (setting, other, name) in [("username", "email", "ada"), ("email", "username", "ada@example.com")] {
        let server = Server::with(vec![("username_field", setting.into())]);
        let session = server.user("ada").login_with(json!({"username": name}));
        let patch = |field: &str| session.call("PATCH", "/users/me").json(json!({field: null})).send();
        assert_eq!(patch(setting).expect_error(422, "invalid_request").bad_fields(), [setting]);
        assert_eq!(patch(other).expect(200).body[other], Value::Null);
    }
}

#[test]
fn a_new_email_address_is_not_verified() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.verify_all_emails();
    let patch = |body: Value| session.call("PATCH", "/users/me").json(body).send().expect(200);
    assert_eq!(patch(json!({"username": "ada2"})).body["email_verified"], true);
    assert_eq!(patch(json!({"email": "ada@example.com"})).body["email_verified"], true);
    assert_eq!(patch(json!({"email": "eve@example.com"})).body["email_verified"], false);
    assert_eq!(patch(json!({"email": "ada@example.com"})).body["email_verified"], false);
}

fn change_password(session: &Session<'_>, current: &str, new: &str) -> Answer {
    session.post("/users/me/password", json!({"current_password": current, "new_password": new}))
}

#[test]
fn a_new_password_ends_every_other_session_and_older_token_at_once() {
    let server = Server::start();
    let ada = server.user("ada");
    let (session, other) = (ada.login(), ada.login());
    let answer = change_password(&session, PASSWORD, OTHER).expect(200);
    let shape = [
        "access_token", "refresh_token", "token_type", "expires_in", "refresh_expires_in", "session_id", "device_id",
        "device_bound",
    ];
    assert_eq!(fields(&answer), BTreeSet::from(shape));
    let next = Session::from(&server, &answer);
    assert_eq!((&next.id, &next.device_id), (&session.id, &session.device_id));
    session.get("/users/me").expect_error(401, "token_revoked");
    other.get("/users/me").expect_error(401, "token_revoked");
    other.try_refresh().expect_error(401, "token_revoked");
    assert!(next.is_accepted() && next.refreshed().is_accepted());
    assert_eq!(next.get("/auth/active_sessions").expect(200).body.as_array().map(Vec::len), Some(1));
    server.try_login("ada", PASSWORD).expect_error(401, "invalid_credentials");
    server.try_login("ada", OTHER).expect(200);
    let server = server.restart();
    server.try_login("ada", PASSWORD).expect_error(401, "invalid_credentials");
    server.try_login("ada", OTHER).expect(200);
}

#[test]
fn the_refresh_token_from_before_a_new_password_is_refused_and_ends_no_session() {
    let server = Server::start();
    let session = server.user("ada").login();
    let next = Session::from(&server, &change_password(&session, PASSWORD, OTHER).expect(200));
    for seconds in [0, 31] {
        server.advance(seconds);
        let refused = session.try_refresh().expect_error(401, "token_revoked");
        assert_eq!(refused.text_at("reason"), "password_changed");
    }
    // The old token revokes nothing, because another tab of the person who changed the password may have sent it.
    assert!(next.refreshed().is_accepted());
}

#[test]
fn a_refused_password_change_changes_nothing() {
    let server = Server::start();
    let ada = server.user("ada");
    let (session, other) = (ada.login(), ada.login());
    change_password(&session, OTHER, "an entirely new one 77").expect_error(401, "invalid_credentials");
    for weak in ["short", "password123", "ada@example.com", "a\u{0}bcdefghijk"] {
        let answer = change_password(&session, PASSWORD, weak).expect_error(422, "invalid_request");
        assert_eq!(answer.bad_fields(), ["new_password"], "{weak:?}");
    }
    session.post("/users/me/password", json!({"new_password": OTHER})).expect_error(422, "invalid_request");
    server.call("POST", "/users/me/password").json(json!({})).send().expect_error(401, "missing_token");
    assert!(session.is_accepted() && other.is_accepted());
    server.try_login("ada", PASSWORD).expect(200);
    server.try_login("ada", OTHER).expect_error(401, "invalid_credentials");
}

#[test]
fn an_export_contains_all_data_of_its_owner_and_of_nobody_else() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let session = ada.login_with(json!({"device_name": "the red laptop"}));
    bob.login_with(json!({"device_name": "the green phone"}));
    server.try_login("ada", OTHER).expect_error(401, "invalid_credentials");
    let answer = session.get("/users/me/export").expect(200);
    assert_eq!(fields(&answer), BTreeSet::from(["user", "sessions", "devices", "audit_events"]));
    assert_eq!(answer.body["user"], session.get("/users/me").expect(200).body);
    let listed = session.get("/auth/active_sessions").expect(200).body;
    for (field, value) in listed[0].as_object().expect("an object") {
        assert_eq!(&answer.body["sessions"][0][field], value, "{field}");
    }
    assert_eq!(answer.body["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer.body["sessions"][0]["device_name"], "the red laptop");
    assert_eq!(answer.body["devices"].as_array().map(Vec::len), Some(1));
    let events = answer.body["audit_events"].as_array().expect("an array");
    let events: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(events.len(), 3, "{events:?}");
    for foreign in ["bob", "green phone", &bob.id] {
        assert!(!answer.text.contains(foreign), "{foreign}");
    }
    for secret in ["$argon2", &session.device_id, &session.refresh, &session.access, "secret"] {
        assert!(!answer.text.contains(secret), "{secret}");
    }
    // The row of an ended session is kept for a while, so the export contains it.
    ada.login().post("/auth/logout", json!({})).expect(200);
    let answer = session.get("/users/me/export").expect(200);
    assert_eq!(answer.body["sessions"].as_array().map(Vec::len), Some(2));
    server.call("GET", "/users/me/export").send().expect_error(401, "missing_token");
}

//! Tests of the example application `examples/notes.rs`.

use rocket::figment::Figment;
use serde_json::json;

use super::LAUNCHER;
use crate::support::{Server, Session};

#[expect(dead_code, reason = "its `main` is for those who run it")]
#[path = "../../../examples/notes.rs"]
mod example;

/// Starts the example application, with its log switched off.
fn server() -> Server {
    Server::with_application(LAUNCHER, vec![("exclude_urls", json!(["/"]))], |vestibule, figment| {
        let quiet = Figment::from(rocket::Config::release_default()).merge(figment).merge(("log_level", "off"));
        example::application(vestibule, quiet)
    })
}

/// Adds a note. Returns its id.
fn write(session: &Session<'_>, text: &str) -> i64 {
    let made = session.call("POST", "/notes").body("text/plain", text).send().expect(201);
    made.body["id"].as_i64().expect("an id")
}

#[test]
fn each_user_sees_only_their_own_notes() {
    let server = server();
    let (ada, bob) = (server.user("ada").login(), server.user("bob").login());
    write(&ada, "buy milk");
    write(&ada, "sell cow");
    write(&bob, "call ada");
    assert_eq!(
        ada.get("/notes").expect(200).body,
        json!([{"id": 1, "text": "buy milk"}, {"id": 2, "text": "sell cow"}])
    );
    assert_eq!(bob.get("/notes").expect(200).body, json!([{"id": 1, "text": "call ada"}]));
    server.call("GET", "/notes").send().expect_error(401, "missing_token");
}

#[test]
fn the_start_page_needs_no_token_but_refuses_an_invalid_token() {
    let server = server();
    let ada = server.user("ada").login();
    assert_eq!(server.call("GET", "/").send().expect(200).text, "Sign in to see your notes.");
    write(&ada, "buy milk");
    assert_eq!(ada.get("/").expect(200).text, "You have 1 notes.");
    server.call("GET", "/").bearer("x.y.z").send().expect_error(401, "invalid_token");
}

#[test]
fn deleting_own_notes_needs_a_fresh_token_and_deleting_others_notes_a_permission() {
    let server = server();
    let ada = server.user("ada");
    let (session, moderator) = (ada.login(), server.user_with("mod", &[], &["delete:notes"]).login());
    let note = write(&session, "rude");
    let path = format!("/users/{}/notes/{note}", ada.id);
    let refused = session.call("DELETE", &path).send().expect_error(403, "insufficient_scope");
    assert!(refused.text_at("detail").contains("delete:notes"));
    assert!(refused.header("www-authenticate").is_some_and(|challenge| challenge.contains(r#"scope="delete:notes""#)));
    moderator.call("DELETE", &path).send().expect(204);
    moderator.call("DELETE", &path).send().expect(404);

    write(&session, "another");
    let stale = session.refreshed();
    stale.call("DELETE", "/notes").send().expect_error(401, "fresh_token_required");
    let fresh = stale.post("/auth/fresh", json!({"password": crate::support::PASSWORD})).expect(200);
    server.call("DELETE", "/notes").bearer(fresh.text_at("access_token")).send().expect(204);
    assert_eq!(stale.get("/notes").expect(200).body, json!([]));
}

#[test]
fn a_body_reaches_the_handler_however_the_path_is_written() {
    let server = server();
    let ada = server.user("ada").login();
    for (index, path) in ["/notes", "/n%6Ftes", "//notes"].into_iter().enumerate() {
        let answer = ada.call("POST", path).body("text/plain", "buy milk").send();
        if answer.status == 201 {
            let notes = ada.get("/notes").expect(200).body;
            let last = notes.as_array().and_then(|notes| notes.last()).expect("a note").clone();
            assert_eq!(last["text"], "buy milk", "{index} {path}");
        }
    }
}

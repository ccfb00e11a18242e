//! Each kind of event of the audit log is caused by a request and found by the request for its kind.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vestibule::domain::audit_event::Event;

use crate::support::{
    PASSWORD, Server,
    browser::{Browser, form},
    unlimited,
};

/// The kinds that no request to this server causes, or that need a whole test of their own, each with the file of its test.
const ELSEWHERE: [(&str, &str); 14] = [
    ("access_token_created", "embed/application.rs"),
    ("database_restored", "tests/cli/restore.rs"),
    ("device_drift", "fingerprint/binding.rs"),
    ("device_limit_reached", "devices.rs"),
    ("device_mismatch", "fingerprint/binding.rs"),
    ("limit_reached", "limits/users.rs"),
    ("refresh_repeated", "repeats.rs"),
    ("root_secret_changed", "tests/cli/root_secret.rs"),
    ("root_secret_lost", "tests/cli/root_secret.rs"),
    ("signing_key_created", "key_rotation.rs"),
    ("signing_key_promoted", "key_rotation.rs"),
    ("signing_key_removed", "key_rotation.rs"),
    ("signing_key_retired", "key_rotation.rs"),
    ("users_imported", "tests/cli/import.rs"),
];

/// The kinds that the test below causes.
const HERE: [&str; 23] = [
    "client_added",
    "client_changed",
    "client_removed",
    "device_removed",
    "link_created",
    "link_used",
    "logged_out",
    "login_failed",
    "login_succeeded",
    "password_changed",
    "reauthenticated",
    "reauthentication_failed",
    "refresh_reused",
    "role_changed",
    "role_removed",
    "session_revoked",
    "token_revoked",
    "user_added",
    "user_changed",
    "user_deleted",
    "user_disabled",
    "user_enabled",
    "user_registered",
];

#[test]
fn every_kind_of_event_has_a_test_that_finds_it() {
    let tested: BTreeSet<&str> = HERE.into_iter().chain(ELSEWHERE.map(|(kind, _)| kind)).collect();
    assert_eq!(tested, Event::WORDS.iter().copied().collect());
    assert_eq!(tested.len(), HERE.len() + ELSEWHERE.len());
    for (kind, file) in ELSEWHERE {
        let path = if file.starts_with("tests/") { file.to_owned() } else { format!("tests/api/{file}") };
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(text.contains(kind), "{path} does not name {kind}");
    }
}

#[test]
fn what_a_request_causes_is_found_by_its_kind() {
    let server = Server::with(unlimited(vec![("refresh_reuse_grace", "0s".into())]));
    let root_user = server.user_with("root", &["admin"], &[]);
    let root = root_user.login();
    let admin = |method: &str, path: &str, body: Value, status: u16| {
        root.call(method, path).json(body).send().expect(status).body
    };
    let text = |value: &Value| value.as_str().expect("a text").to_owned();

    // Accounts.
    let bob = text(&admin("POST", "/admin/users", json!({"username": "bob"}), 201)["id"]);
    admin("PATCH", &format!("/admin/users/{bob}"), json!({"disabled": true}), 200);
    admin("PATCH", &format!("/admin/users/{bob}"), json!({"disabled": false}), 200);
    admin("PATCH", &format!("/admin/users/{bob}"), json!({"claims": {"team": "a"}}), 200);
    let link = admin("POST", &format!("/admin/users/{bob}/link"), json!({"purpose": "invite"}), 201);
    let token = text(&link["url"]).rsplit_once("token=").expect("a token").1.to_owned();
    let browser = Browser::new(&server);
    let page = browser.open(&format!("/link?token={token}")).expect(200);
    browser.submit(&form(&page, "/link"), &[("password", PASSWORD)]);
    server.post("/auth/register", json!({"username": "cleo", "password": PASSWORD})).expect(201);

    // Sessions and passwords.
    let ada = server.user("ada");
    ada.try_login(json!({"password": "not the password"})).expect(401);
    let session = ada.login();
    session.post("/auth/fresh", json!({"password": "not the password"})).expect(401);
    session.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    ada.login().call("POST", "/auth/logout").send().expect(200);
    let reused = ada.login();
    reused.try_refresh().expect(200);
    reused.try_refresh().expect_error(401, "refresh_reused");
    let revoked = ada.login();
    server.form("/auth/revoke", &[("token", revoked.access.as_str())]).expect(200);
    let devices = root.get(&format!("/admin/users/{}/devices", ada.id)).expect(200).body;
    let device = text(&devices["devices"][0]["id"]);
    admin("DELETE", &format!("/admin/users/{}/devices/{device}", ada.id), Value::Null, 204);
    let change = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
    ada.login().post("/users/me/password", change).expect(200);
    admin("DELETE", &format!("/admin/users/{bob}"), Value::Null, 204);

    // Clients and roles. A new permission of a role ends the token of every admin, who has it from then on.
    admin("POST", "/admin/clients", json!({"id": "web", "public": true}), 201);
    admin("PATCH", "/admin/clients/web", json!({"name": "Web"}), 200);
    admin("DELETE", "/admin/clients/web", Value::Null, 204);
    admin("PUT", "/admin/roles/editor", json!({"permissions": ["a:b"]}), 200);
    let root = root_user.login();
    root.call("DELETE", "/admin/roles/editor").send().expect(204);

    let root = root_user.login();
    let missing: Vec<&str> = HERE
        .into_iter()
        .filter(|kind| {
            let found = root.get(&format!("/admin/audit?event={kind}&limit=1")).expect(200).body;
            found["events"].as_array().is_none_or(|events| events.is_empty() || events[0]["event"] != *kind)
        })
        .collect();
    assert_eq!(missing, [""; 0]);
}

//! Each kind of event of the audit log is caused by a request and found by the request for its kind.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vestibule::domain::audit_event::Event;

use crate::{
    repeats::refresh_from,
    support::{
        PASSWORD, Server, Session,
        browser::{Browser, form},
        claims,
        fingerprints::{another_machine, chromium, drifted},
        unlimited,
    },
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

/// The kinds that the test below causes, each with what its newest event names (a user, a session, an actor, an address), and
/// with the names of its details.
const HERE: [(&str, &str, &str); 23] = [
    ("client_added", "actor ip", "client"),
    ("client_changed", "actor ip", "changed client"),
    ("client_removed", "actor ip", "client"),
    ("device_removed", "user actor ip", ""),
    ("link_created", "user actor ip", "purpose"),
    ("link_used", "user ip", "purpose"),
    ("logged_out", "user session ip", "reason"),
    ("login_failed", "user ip", ""),
    ("login_succeeded", "user session ip", "client_id"),
    ("password_changed", "user session ip", ""),
    ("reauthenticated", "user session ip", ""),
    ("reauthentication_failed", "user session ip", ""),
    ("refresh_reused", "user session ip", ""),
    ("role_changed", "actor ip", "permissions role"),
    ("role_removed", "actor ip", "role"),
    ("session_revoked", "user session ip", "reason"),
    ("token_revoked", "user session ip", "jti"),
    ("user_added", "user actor ip", "roles"),
    ("user_changed", "user actor ip", "changed roles"),
    // The user is forgotten with the account.
    ("user_deleted", "actor ip", ""),
    ("user_disabled", "user actor ip", "changed roles"),
    ("user_enabled", "user actor ip", "changed roles"),
    ("user_registered", "user ip", ""),
];

/// Kinds of [`ELSEWHERE`] that a request causes, each with what its event names, as in [`HERE`].
const OF_OTHERS: [(&str, &str, &str); 8] = [
    ("device_drift", "user session ip", "differed score"),
    ("device_limit_reached", "user ip", ""),
    ("device_mismatch", "user session ip", "differed score"),
    ("limit_reached", "ip", "limit"),
    ("refresh_repeated", "user session ip", "rotation_ip rotation_user_agent user_agent"),
    ("signing_key_created", "actor ip", "algorithm kid"),
    ("signing_key_removed", "actor ip", "kid reason"),
    ("signing_key_retired", "actor ip", "kid until"),
];

#[test]
fn every_kind_of_event_has_a_test_that_finds_it() {
    let tested: BTreeSet<&str> =
        HERE.map(|(kind, ..)| kind).into_iter().chain(ELSEWHERE.map(|(kind, _)| kind)).collect();
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
    let ada = server.user("ada");
    let root = root_user.login();
    server.advance(5);
    let admin = |method: &str, path: &str, body: Value, status: u16| {
        root.call(method, path).json(body).send().expect(status).body
    };
    let text = |value: &Value| value.as_str().expect("a text").to_owned();

    // Accounts.
    let gone = text(&admin("POST", "/admin/users", json!({"username": "gone"}), 201)["id"]);
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
    admin("DELETE", &format!("/admin/users/{gone}"), Value::Null, 204);

    // Clients and roles. A new permission of a role ends the token of every admin, who has it from then on.
    admin("POST", "/admin/clients", json!({"id": "web", "public": true}), 201);
    admin("PATCH", "/admin/clients/web", json!({"name": "Web"}), 200);
    admin("DELETE", "/admin/clients/web", Value::Null, 204);
    admin("PUT", "/admin/roles/editor", json!({"permissions": ["a:b"]}), 200);
    let root = root_user.login();
    root.call("DELETE", "/admin/roles/editor").send().expect(204);

    let root = root_user.login();
    assert_eq!(HERE.map(|(kind, ..)| found(&root, kind)), HERE.map(texts));
}

#[test]
fn an_event_of_an_attack_a_limit_or_a_key_names_what_it_concerns() {
    let server = Server::with(unlimited(vec![
        ("max_devices_per_user", 1.into()),
        ("device_limit_policy", "reject".into()),
        ("register_rate_per_ip", "1/1h".into()),
    ]));
    let root = server.user_with("root", &["admin"], &[]).login();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.advance(5);
    let bound = ada.login_with(json!({"fingerprint": chromium()}));
    for (fingerprint, status) in [(another_machine(), 401), (drifted(), 200)] {
        let body = json!({"refresh_token": bound.refresh, "fingerprint": fingerprint});
        server.post("/auth/refresh", body).expect(status);
    }
    let repeated = bob.login();
    for ip in ["192.0.2.1", "127.0.0.1"] {
        refresh_from(&repeated, ip, "Laptop/1").expect(200);
    }
    bob.try_login(json!({})).expect(403);
    for (name, status) in [("cleo", 201), ("dora", 429)] {
        server.post("/auth/register", json!({"username": name, "password": PASSWORD})).expect(status);
    }
    let old = root.get("/admin/keys").expect(200).body["keys"][0]["kid"].as_str().expect("a name").to_owned();
    root.post("/admin/keys/rotate", json!({"now": true})).expect(200);
    root.call("POST", &format!("/admin/keys/{old}/retire")).send().expect(204);
    // The retired key had signed the token.
    let root = Session::from(&server, &root.try_refresh().expect(200));
    assert_eq!(OF_OTHERS.map(|(kind, ..)| found(&root, kind)), OF_OTHERS.map(texts));
}

/// Returns the kind of the newest event of a kind, what it names, and the names of its details.
#[track_caller]
fn found(admin: &Session<'_>, kind: &str) -> [String; 3] {
    let page = admin.get(&format!("/admin/audit?event={kind}&limit=1")).expect(200).body;
    let event = &page["events"][0];
    assert_eq!((&event["event"], &event["at"]), (&json!(kind), &json!("2027-01-15T08:00:05Z")), "{event}");
    assert!([None, Some("127.0.0.1")].contains(&event["ip"].as_str()), "{event}");
    let claims = claims(&admin.access);
    assert!(event["actor"].is_null() || event["actor"] == claims["sub"], "{event}");
    let named = ["user", "session", "actor", "ip"].into_iter().filter(|field| !event[*field].is_null());
    let details: Vec<&str> = event["detail"].as_object().expect("an object").keys().map(String::as_str).collect();
    [kind.to_owned(), named.collect::<Vec<_>>().join(" "), details.join(" ")]
}

fn texts((kind, named, details): (&str, &str, &str)) -> [String; 3] {
    [kind, named, details].map(str::to_owned)
}

//! The export of the personal data that the server stores. It has everything except secrets and internal values.

use serde_json::{Value, json};

use crate::{
    privacy::heavy,
    support::{PASSWORD, Server},
};

/// The tables whose rows are objects of the export, each with the place of such an object.
const EXPORTED: [(&str, &str); 4] =
    [("audit_events", "/audit_events/0"), ("devices", "/devices/0"), ("sessions", "/sessions/0"), ("users", "/user")];

/// The tables about a user whose rows are no objects of the export, each with the reason.
const WITHHELD_TABLES: [(&str, &str); 4] = [
    ("credentials", "It has the hash of the password. The event `password_changed` has the time."),
    ("one_time_tokens", "It has the hash of a secret. The events `link_created` and `link_used` have the rest."),
    ("user_permissions", "They are `permissions` of the user."),
    ("user_roles", "They are `roles` of the user."),
];

/// The columns that are no field of the same name: secrets, internal values, and columns that the export contains in another
/// form.
const WITHHELD_COLUMNS: [&str; 22] = [
    "users.username_key",
    "users.email_key",
    "users.disabled_at",
    "users.email_verified_at",
    "users.authorization_version",
    "sessions.user_id",
    "sessions.device_id",
    "sessions.refresh_expires_at",
    "sessions.generation",
    "sessions.generations_made_at",
    "sessions.password_generation",
    "sessions.access_expires_at",
    "sessions.used_order",
    "sessions.end_day",
    "sessions.device_generations",
    "sessions.device_seen",
    "sessions.revoked_tokens",
    "devices.user_id",
    "devices.secret_hash",
    "audit_events.id",
    "audit_events.user_id",
    "audit_events.actor",
];

#[test]
fn an_export_contains_all_data_of_the_user_and_of_nobody_else() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let of_bob = bob.login_with(json!({"device_name": "Bob's phone"}));
    let over = ada.login_with(json!({"device_name": "Old phone"}));
    over.call("POST", "/auth/logout").send().expect(200);
    server.advance(60);
    let session = ada.login_with(json!({"device_name": "Laptop", "fingerprint": heavy()}));
    ada.try_login(json!({"password": "not the password"})).expect(401);
    let answer = session.get("/users/me/export").expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let export = &answer.body;
    assert_eq!(export["user"], session.get("/users/me").body);

    let list = |field: &str| export[field].as_array().expect("a list").clone();
    let names: Vec<Value> = list("sessions").iter().map(|session| session["device_name"].clone()).collect();
    assert_eq!(names, ["Laptop", "Old phone"], "ended ones too");
    assert_eq!(list("sessions")[0]["device_bound"], true);
    assert_eq!(list("devices").len(), 2);
    assert_eq!(list("devices")[0]["client_id"], "default");
    let events: Vec<Value> = list("audit_events").iter().map(|event| event["event"].clone()).collect();
    assert_eq!(events, ["login_failed", "login_succeeded", "logged_out", "login_succeeded", "user_added"]);
    assert_eq!(list("audit_events")[0]["ip"], "127.0.0.1");
    assert_eq!(list("audit_events")[1]["session_id"], session.id.as_str());

    for foreign in [&*of_bob.id, &*bob.id, "Bob's phone", "bob"] {
        assert!(!answer.text.contains(foreign), "{foreign}");
    }
    for secret in [&*session.device_id, &session.refresh, "$argon2", PASSWORD, "macs", "secret"] {
        assert!(!answer.text.contains(secret), "{secret}");
    }
    server.call("GET", "/users/me/export").send().expect_error(401, "missing_token");
    over.get("/users/me/export").expect_error(401, "token_revoked");
}

#[test]
fn every_table_about_a_user_is_exported_or_listed_as_withheld() {
    let server = Server::start();
    let mut known: Vec<&str> = EXPORTED.into_iter().chain(WITHHELD_TABLES).map(|(table, _)| table).collect();
    known.sort_unstable();
    assert_eq!(server.tables_about_users(), known);
    // What the reasons say.
    server.user_with("root", &["admin"], &[]);
    let ada = server.user_with("ada", &["admin"], &["posts:read"]);
    let root = server.try_login("root", PASSWORD).expect(200);
    let link = server.call("POST", &format!("/admin/users/{}/link", ada.id)).bearer(root.text_at("access_token"));
    link.json(json!({"purpose": "reset"})).send().expect(201);
    let export = ada.login().get("/users/me/export").expect(200).body;
    assert_eq!(export["user"]["roles"], json!(["admin"]));
    assert!(export["user"]["permissions"].as_array().expect("a list").contains(&json!("posts:read")));
    let events: Vec<&Value> = export["audit_events"].as_array().expect("a list").iter().collect();
    assert!(events.iter().any(|event| event["event"] == "link_created"), "{events:?}");
}

#[test]
fn every_column_about_a_user_is_exported_or_listed_as_withheld() {
    let server = Server::start();
    let session = server.user("ada").login();
    let export = session.get("/users/me/export").expect(200).body;
    for (table, place) in EXPORTED {
        let fields = export.pointer(place).and_then(Value::as_object).expect("an object");
        for column in server.columns(table) {
            let known = fields.contains_key(&column) || WITHHELD_COLUMNS.contains(&&*format!("{table}.{column}"));
            assert!(known, "{table}.{column} is neither exported nor known to be withheld");
        }
    }
}

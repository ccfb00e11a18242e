//! Clients that are made at run time.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Server, Session, oauth::basic, unlimited};

fn server() -> Server {
    Server::with(unlimited(vec![("clients.of-file.scopes", json!("posts:read"))]))
}

fn add(root: &Session<'_>, body: Value) -> Answer {
    root.post("/admin/clients", body).expect(201)
}

fn token(server: &Server, client: &str, secret: &str) -> Answer {
    let form = [("username", "ada"), ("password", PASSWORD)];
    server.call("POST", "/token").header("Authorization", &basic(client, secret)).form(&form).send()
}

#[test]
fn a_client_is_in_force_at_once_and_its_secret_is_shown_once() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    server.user_with("ada", &[], &["reports:read", "posts:read"]);
    let added = add(&root, json!({"id": "reports", "name": "The reports", "scopes": ["reports:read"]}));
    let secret = added.text_at("client_secret").to_owned();
    assert_eq!((&added.body["source"], &added.body["confidential"]), (&json!("database"), &json!(true)));
    let answer = token(&server, "reports", &secret).expect(200);
    assert_eq!(answer.claims()["permissions"], json!(["reports:read"]));
    assert_eq!(answer.claims()["client_id"], "reports");
    token(&server, "reports", "x").expect(401);
    let shown = root.get("/admin/clients/reports").expect(200);
    assert!(!shown.text.contains(&secret) && !shown.text.contains("secret"), "{}", shown.text);
    // A new secret replaces the old one, and the sessions go on.
    let renewed = root.call("POST", "/admin/clients/reports/secret").send().expect(200);
    token(&server, "reports", &secret).expect(401);
    token(&server, "reports", renewed.text_at("client_secret")).expect(200);
    // A change counts for the next token.
    let change = json!({"scopes": ["posts:read"], "name": null});
    let changed = root.call("PATCH", "/admin/clients/reports").json(change).send().expect(200);
    assert_eq!((&changed.body["scopes"], &changed.body["name"]), (&json!(["posts:read"]), &Value::Null));
    let next = token(&server, "reports", renewed.text_at("client_secret")).expect(200);
    assert_eq!(next.claims()["permissions"], json!(["posts:read"]));
    let none = json!({"scopes": [], "audience": ["https://api.example.com"], "grants": ["refresh_token"]});
    let open = root.call("PATCH", "/admin/clients/reports").json(none).send().expect(200);
    assert_eq!((&open.body["scopes"], &open.body["audience"]), (&Value::Null, &json!(["https://api.example.com"])));
    token(&server, "reports", renewed.text_at("client_secret")).expect_oauth_error(400, "unauthorized_client");
    let events = ["client_added", "client_changed"].map(|event| server.count_events(event));
    assert_eq!(events, [1, 3]);
}

#[test]
fn a_removed_client_ends_its_sessions_and_a_later_one_does_not_revive_them() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    server.user("ada");
    add(&root, json!({"id": "shop", "public": true}));
    let login = || {
        let body = json!({"username": "ada", "password": PASSWORD, "client_id": "shop"});
        Session::from(&server, &server.post("/auth/login", body).expect(200))
    };
    let session = login();
    assert!(session.is_accepted());
    root.call("DELETE", "/admin/clients/shop").send().expect(204);
    assert!(!session.is_accepted());
    session.try_refresh().expect(401);
    let body = json!({"username": "ada", "password": PASSWORD, "client_id": "shop"});
    server.post("/auth/login", body).expect_error(401, "invalid_client");
    add(&root, json!({"id": "shop", "public": true}));
    session.expect_revoked();
    assert!(login().is_accepted());
}

#[test]
fn a_public_client_gets_no_secret_by_accident() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    server.user("ada");
    add(&root, json!({"id": "phone", "public": true}));
    root.call("POST", "/admin/clients/phone/secret").send().expect_error(422, "invalid_request");
    let body = json!({"username": "ada", "password": PASSWORD, "client_id": "phone"});
    server.post("/auth/login", body).expect(200);
}

#[test]
fn the_audit_log_says_what_of_a_client_was_changed() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    add(&root, json!({"id": "reports"}));
    root.call("PATCH", "/admin/clients/reports").json(json!({"name": "R", "scopes": ["a:b"]})).send().expect(200);
    root.call("POST", "/admin/clients/reports/secret").send().expect(200);
    let events = root.get("/admin/audit?event=client_changed").expect(200).body;
    let changed: Vec<_> =
        events["events"].as_array().expect("events").iter().map(|event| &event["detail"]["changed"]).collect();
    assert_eq!(changed, [&json!(["secret"]), &json!(["name", "scopes"])]);
}

#[test]
fn the_clients_of_the_configuration_are_shown_and_not_changed() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    add(&root, json!({"id": "shop", "public": true}));
    let list = root.get("/admin/clients").expect(200).body["clients"].clone();
    let all: Vec<(&str, &str)> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|client| (client["id"].as_str().unwrap_or_default(), client["source"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(all, [("default", "configuration"), ("of-file", "configuration"), ("shop", "database")]);
    for id in ["default", "of-file"] {
        let at = format!("/admin/clients/{id}");
        root.get(&at).expect(200);
        root.call("PATCH", &at).json(json!({"name": "x"})).send().expect_error(409, "configured_in_file");
        root.call("DELETE", &at).send().expect_error(409, "configured_in_file");
        root.call("POST", &format!("{at}/secret")).send().expect_error(409, "configured_in_file");
        root.post("/admin/clients", json!({"id": id})).expect_error(409, "configured_in_file");
    }
    root.post("/admin/clients", json!({"id": "shop"})).expect_error(409, "already_exists");
    root.get("/admin/clients/nothing").expect_error(404, "not_found");
    root.call("PATCH", "/admin/clients/nothing").json(json!({})).send().expect_error(404, "not_found");
    for bad in [
        json!({"id": ""}),
        json!({"id": "two words"}),
        json!({"id": "a:b"}),
        json!({"id": "a", "scopes": ["openid"]}),
        json!({"id": "a", "grants": ["implicit"]}),
        json!({"id": "a", "audience": ["two words"]}),
        json!({"id": "a", "name": "\u{202e}x"}),
        json!({"id": "x".repeat(65)}),
    ] {
        root.post("/admin/clients", bad).expect_error(422, "invalid_request");
    }
}

#[test]
fn a_login_that_a_removal_overtakes_leaves_no_session_for_a_later_client_of_this_id() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    server.user("ada");
    let body = json!({"username": "ada", "password": PASSWORD, "client_id": "race"});
    // The removal is committed at different times of the login: before, during and after the comparison of the password.
    for round in 0..12 {
        add(&root, json!({"id": "race", "public": true, "scopes": ["posts:read"]}));
        let login = thread::scope(|scope| {
            let login = scope.spawn(|| server.post("/auth/login", body.clone()));
            thread::sleep(Duration::from_millis(2 * round));
            root.call("DELETE", "/admin/clients/race").send().expect(204);
            login.join().expect("no panic")
        });
        add(&root, json!({"id": "race", "public": true}));
        match login.status {
            200 => assert!(!Session::from(&server, &login).is_accepted()),
            _ => drop(login.expect_error(401, "invalid_client")),
        }
        root.call("DELETE", "/admin/clients/race").send().expect(204);
    }
    assert_eq!(server.count_live_sessions(), 1);
}

#[test]
fn a_token_with_a_permission_that_its_client_has_lost_is_refused_and_a_refresh_narrows_it() {
    let server = server();
    let root = server.user_with("root", &["admin"], &[]).login();
    server.user_with("ada", &[], &["posts:read", "posts:write"]);
    add(&root, json!({"id": "shop", "public": true}));
    let login = || {
        let body = json!({"username": "ada", "password": PASSWORD, "client_id": "shop"});
        server.post("/auth/login", body).expect(200)
    };
    let (tokens, session) = (login(), Session::from(&server, &login()));
    let scopes = |scopes: Value| {
        root.call("PATCH", "/admin/clients/shop").json(json!({"scopes": scopes})).send().expect(200);
    };
    scopes(json!(["posts:read", "posts:write", "posts:delete"]));
    assert!(session.is_accepted());
    scopes(json!(["posts:read"]));
    session.get("/users/me").expect_error(401, "token_revoked");
    session.get("/auth/verify").expect(401);
    let body = json!({"refresh_token": tokens.text_at("refresh_token"), "client_id": "shop"});
    let narrowed = server.post("/auth/refresh", body).expect(200);
    assert_eq!(narrowed.claims()["permissions"], json!(["posts:read"]));
    assert!(Session::from(&server, &narrowed).is_accepted());
    // An admin who is signed in through the client loses the administration with it.
    let body = json!({"username": "root", "password": PASSWORD, "client_id": "shop"});
    let through = Session::from(&server, &server.post("/auth/login", body).expect(200));
    through.get("/admin/users").expect_error(403, "insufficient_scope");
}

//! What one signed-in user can make the server do: actions and exports, and what is recorded of attempts past a limit.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::{WRONG, too_many, with};
use crate::support::{Answer, PASSWORD, Server, unlimited};

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    let server = Server::with(unlimited(Vec::new()));
    let ada = server.user("ada").login();
    let before = server.state();
    for body in
        [json!({}), json!({"username": "ada"}), json!({"email": "ada@example.com"}), json!({"username": " ada "})]
    {
        for _ in 0..20 {
            let user = ada.call("PATCH", "/users/me").json(body.clone()).send().expect(200);
            assert_eq!((user.text_at("username"), user.text_at("email")), ("ada", "ada@example.com"));
        }
    }
    assert_eq!(server.state(), before);
    ada.call("PATCH", "/users/me").json(json!({"username": "Ada"})).send().expect(200);
    assert_eq!(server.count_events("user_changed"), 1, "another spelling is a change");
}

#[test]
fn the_actions_of_a_user_are_limited_over_all_endpoints_and_sessions_and_signing_out_is_not() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "0")]);
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let sessions = [ada.login(), ada.login()];
    let act = |n: usize| -> Answer {
        let session = &sessions[n % 2];
        match n % 3 {
            0 => session.post("/auth/fresh", json!({"password": PASSWORD})),
            1 => session.call("PATCH", "/users/me").json(json!({"username": format!("ada{n}")})).send(),
            _ => session.get("/users/me/export"),
        }
    };
    for n in 0..600 {
        assert_eq!(act(n).status, 200, "{n}");
    }
    let rows = server.count_audit_events();
    for n in 600..620 {
        assert_eq!(too_many(act(n)), 6);
    }
    assert_eq!(server.count_audit_events(), rows + 1, "the refused actions are one event");
    let row = server.event_row("limit_reached");
    assert!(row.contains("actions"), "{row}");
    bob.login().get("/users/me/export").expect(200);
    sessions[0].post("/auth/revoke_other_session", json!({})).expect(200);
    sessions[0].call("POST", "/auth/logout").send().expect(200);
}

#[test]
fn an_export_is_whole_and_in_order_over_many_pages() {
    let server = Server::with(unlimited(Vec::new()));
    let ada = server.user("ada");
    let session = ada.login();
    for _ in 0..450 {
        ada.login();
    }
    let export = session.get("/users/me/export");
    // More logins than devices: the first session was evicted.
    export.expect_error(401, "token_revoked");
    let export = ada.login().get("/users/me/export").expect(200).body;
    let list = |name: &str| export[name].as_array().expect("a list").clone();
    assert_eq!(list("sessions").len(), 452);
    assert_eq!(list("devices").len(), 452);
    assert_eq!(list("sessions")[0]["current"], true, "the most recently used session comes first");
    let ids: std::collections::BTreeSet<String> = list("sessions").iter().map(|row| row["id"].to_string()).collect();
    assert_eq!(ids.len(), 452, "each row once");
    let events = list("audit_events");
    assert_eq!(events.len(), server.count_audit_events() - 1, "all but the event of the signing key");
    assert_eq!(events[0]["event"], "login_succeeded");
    assert_eq!(events[events.len() - 1]["event"], "user_added");
    assert_eq!(export["user"]["username"], "ada");
}

#[test]
fn an_export_that_fails_in_the_middle_aborts_the_connection() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.spoil_a_device_id();
    let mut socket = TcpStream::connect(server.address).expect("it listens");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let head =
        format!("GET /users/me/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", session.access);
    socket.write_all(head.as_bytes()).expect("it reads");
    let mut text = Vec::new();
    // The end may be a reset, which is an error.
    socket.read_to_end(&mut text).ok();
    let text = String::from_utf8_lossy(&text);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("\"sessions\":["), "{text}");
    assert!(!text.ends_with("0\r\n\r\n"), "the body does not end as if it were whole: {text}");
}

#[test]
fn an_attempt_past_a_limit_leaves_one_event_for_each_name_address_and_window() {
    let server = with(&[("login_failures_per_account", "10/15m"), ("login_rate_per_ip", "0")]);
    server.user("ada");
    let try_from = |name: &str, ip: &str| {
        let body = json!({"username": name, "password": WRONG});
        server.call("POST", "/auth/login").header("X-Forwarded-For", ip).json(body).send().status
    };
    for name in ["ada", "nobody"] {
        let before = server.count_events("login_failed");
        for _ in 0..25 {
            try_from(name, "192.0.2.1");
        }
        assert_eq!(server.count_events("login_failed"), before + 11, "{name}");
        for _ in 0..5 {
            assert_eq!(try_from(name, "192.0.2.2"), 429);
        }
        assert_eq!(server.count_events("login_failed"), before + 12, "{name} from another address");
    }
    server.advance(15 * 60);
    let before = server.count_events("login_failed");
    for _ in 0..25 {
        try_from("ada", "192.0.2.1");
    }
    assert_eq!(server.count_events("login_failed"), before + 11, "a new window");
}

#[test]
fn invented_names_past_the_limit_of_an_address_do_not_fill_the_log() {
    let server = with(&[("login_rate_per_ip", "5/1m"), ("login_failures_per_account", "0")]);
    let attempt = |n: usize| server.post("/auth/login", json!({"username": format!("n{n}"), "password": WRONG})).status;
    let refused = (0..300).filter(|n| attempt(*n) == 429).count();
    assert_eq!(refused, 295);
    assert_eq!(server.count_events("login_failed"), 5 + 30);
}

#[test]
fn a_registration_past_the_limit_is_one_event() {
    let server = with(&[("register_rate_per_ip", "2/1h")]);
    let register = |n: usize| -> Value {
        server.post("/auth/register", json!({"username": format!("person{n}"), "password": PASSWORD})).body
    };
    (0..12).for_each(|n| drop(register(n)));
    assert_eq!((server.count_users(), server.count_events("limit_reached")), (2, 1));
}

#[test]
fn right_passwords_of_one_user_are_limited_over_all_addresses() {
    let server = with(&[("login_rate_per_ip", "5/1m")]);
    server.user("ada");
    let from = |n: usize, password: &str| {
        let call = server.call("POST", "/auth/login").header("X-Forwarded-For", &format!("198.51.100.{n}"));
        call.json(json!({"username": "ada", "password": password})).send().status
    };
    let passed = (0..30).filter(|n| from(*n, PASSWORD) == 200).count();
    assert_eq!(passed, 10, "twice the limit of one address");
    assert_eq!(from(40, WRONG), 401, "a wrong password tells nothing of this limit");
}

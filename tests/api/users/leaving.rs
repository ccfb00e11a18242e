//! `DELETE /users/me`: what a deleted account leaves behind, and which account may not be deleted.

use std::fs;

use serde_json::{Value, json};

use super::{OTHER, register};
use crate::support::{PASSWORD, Server, Session, wait_for};

#[test]
fn a_deleted_account_loses_its_sessions_tokens_and_names() {
    let server = Server::start();
    let ada = server.user("ada");
    let bob = server.user("bob").login();
    let (session, other) = (ada.login(), ada.login());
    let delete = |session: &Session<'_>, password: &str| {
        session.call("DELETE", "/users/me").json(json!({"password": password})).send()
    };
    delete(&session, OTHER).expect_error(401, "invalid_credentials");
    delete(&session.refreshed(), PASSWORD).expect_error(401, "fresh_token_required");
    assert!(session.is_accepted() && other.is_accepted());
    let gone = delete(&session, PASSWORD).expect(204);
    assert_eq!(gone.text, "");
    for session in [&session, &other] {
        for (method, path) in [
            ("GET", "/users/me"),
            ("GET", "/users/me/export"),
            ("GET", "/auth/active_sessions"),
            ("POST", "/auth/logout_all"),
            ("DELETE", "/users/me"),
            ("PATCH", "/users/me"),
        ] {
            session.call(method, path).json(json!({})).send().expect_error(401, "token_revoked");
        }
        session.post("/auth/fresh", json!({"password": PASSWORD})).expect_error(401, "token_revoked");
        session.try_refresh().expect_error(401, "token_revoked");
    }
    for name in ["ada", "ada@example.com"] {
        server.try_login(name, PASSWORD).expect_error(401, "invalid_credentials");
    }
    assert!(bob.is_accepted());
    let (access, refresh) = (session.access.clone(), session.refresh.clone());
    let server = server.restart();
    server.call("GET", "/users/me").bearer(&access).send().expect_error(401, "token_revoked");
    server.post("/auth/refresh", json!({"refresh_token": refresh})).expect_error(401, "token_revoked");
    // The name is free again. The new account has nothing of the old account.
    let again =
        register(&server, json!({"username": "ada", "email": "ada@example.com", "password": OTHER})).expect(201);
    assert_ne!(again.text_at("id"), ada_id(&access));
    server.try_login("ada", PASSWORD).expect_error(401, "invalid_credentials");
}

/// Returns the user id in an access token.
fn ada_id(access: &str) -> String {
    crate::support::claims(access)["sub"].as_str().expect("a sub").to_owned()
}

#[test]
fn the_last_admin_can_not_be_deleted() {
    let server = Server::start();
    let (first, second) = (server.user_with("root", &["admin"], &[]), server.user_with("toor", &["admin"], &[]));
    let (one, other) = (first.login(), second.login());
    let delete = |session: &Session<'_>, password: &str| {
        session.call("DELETE", "/users/me").json(json!({"password": password})).send()
    };
    delete(&one, PASSWORD).expect(204);
    delete(&other, OTHER).expect_error(401, "invalid_credentials");
    delete(&other, PASSWORD).expect_error(409, "last_admin");
    assert!(other.is_accepted());
}

#[test]
fn of_two_admins_who_delete_their_accounts_at_once_one_stays() {
    let server = Server::start();
    let (first, second) = (server.user_with("root", &["admin"], &[]), server.user_with("toor", &["admin"], &[]));
    let sessions = [first.login(), second.login()];
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads = sessions.each_ref().map(|session| {
            scope.spawn(|| session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().status)
        });
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

/// Returns the traces of a user that the server could store: the description and the bytes of each.
fn traces(server: &Server) -> Vec<(&'static str, Vec<u8>)> {
    let device = server.oldest_device_hash();
    let mut traces: Vec<(&str, Vec<u8>)> =
        vec![("the name", b"ada-of-the-engine".to_vec()), ("the device", b"the red laptop".to_vec())];
    traces.push(("the user agent", b"TracesBrowser/7".to_vec()));
    traces.push(("the address", b"198.51.100.77".to_vec()));
    traces.push(("the device's hash", device));
    traces
}

/// Creates a user who signs in, refreshes, fails to sign in, is renamed and is deleted. Returns the user's traces.
fn a_life_and_its_end(server: &Server) -> Vec<(&'static str, Vec<u8>)> {
    let ada = server.user("ada-of-the-engine");
    let call = |path: &str, body: Value| {
        let call = server.call("POST", path).header("User-Agent", "TracesBrowser/7");
        call.header("X-Forwarded-For", "198.51.100.77").json(body).send()
    };
    let fingerprint = json!({"platform": "Linux x86_64", "canvas": "a".repeat(64), "fonts": ["One", "Two"]});
    let body = json!({"username": ada.name, "password": PASSWORD, "device_name": "the red laptop", "fingerprint": fingerprint});
    let session = Session::from(server, &call("/auth/login", body).expect(200));
    call("/auth/login", json!({"username": ada.name, "password": OTHER})).expect_error(401, "invalid_credentials");
    call("/auth/refresh", json!({"refresh_token": session.refresh, "fingerprint": fingerprint})).expect(200);
    session.call("PATCH", "/users/me").json(json!({"username": "ada-of-the-engine-2"})).send().expect(200);
    let mut traces = traces(server);
    traces.push(("the user's id", ada.id.as_bytes().to_vec()));
    traces.push(("the session's id", session.id.as_bytes().to_vec()));
    let leave = session.call("DELETE", "/users/me").header("X-Forwarded-For", "198.51.100.77");
    leave.json(json!({"password": PASSWORD})).send().expect(204);
    traces
}

/// Returns every row of every table, one per line after the name of its table.
fn all_rows(server: &Server) -> String {
    let tables = server.everything();
    assert!(tables.len() >= 10, "{:?}", tables.keys());
    let named = |(table, rows): (String, Vec<String>)| {
        rows.into_iter().map(move |row| format!("{table} {row}\n")).collect::<String>()
    };
    tables.into_iter().map(named).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn no_row_contains_a_trace_of_a_deleted_user() {
    let server = Server::start();
    let traces = a_life_and_its_end(&server);
    // The rows that revoke the user's last access tokens stay until these have expired, and a day longer, because a clock may
    // be set back.
    let rows = all_rows(&server);
    for (what, trace) in &traces {
        let text = String::from_utf8_lossy(trace);
        let left: Vec<&str> = rows.lines().filter(|row| row.contains(&*text) || row.contains(&hex(trace))).collect();
        let denies = |row: &&str| row.starts_with("changes ") && what.ends_with("id");
        assert!(left.iter().all(denies), "{what}: {left:?}");
    }
    server.advance(2 * 24 * 3600);
    wait_for(vestibule::flows::sweep::sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
    let rows = all_rows(&server);
    for (what, trace) in &traces {
        let text = String::from_utf8_lossy(trace);
        let left: Vec<&str> = rows.lines().filter(|row| row.contains(&*text) || row.contains(&hex(trace))).collect();
        assert_eq!(left, Vec::<&str>::new(), "{what}");
    }
    assert!(rows.contains("audit_events "), "the log itself stays");
}

#[test]
fn no_byte_of_the_database_file_contains_a_trace_of_a_deleted_user() {
    let server = Server::start();
    let traces = a_life_and_its_end(&server);
    server.advance(2 * 24 * 3600);
    wait_for(vestibule::flows::sweep::sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
    let server = server.restart();
    let mut bytes = fs::read(server.directory().join("vestibule.db")).expect("the database");
    bytes.extend(fs::read(server.directory().join("vestibule.db-wal")).unwrap_or_default());
    let left: Vec<&str> = traces
        .iter()
        .filter(|(_, trace)| bytes.windows(trace.len()).any(|window| window == trace.as_slice()))
        .map(|(what, _)| *what)
        .collect();
    assert_eq!(left, Vec::<&str>::new());
}

//! The deletion of the personal data that the server stores: on demand, and when its retention has ended. The export is in
//! `privacy_export`.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use vestibule::flows::sweep::{Swept, sweep};

use crate::support::{PASSWORD, START, Server, Session, wait_for};

const DAY: i64 = 24 * 3600;

/// Returns a fingerprint with enough weight to recognise a device.
pub(crate) fn heavy() -> Value {
    json!({"os": "Linux", "browser": "Firefox", "gpu": "a", "canvasPrint": "b", "fonts": "c"})
}

/// Runs a sweep. Returns the numbers of rows that it removed.
fn swept(server: &Server) -> Swept {
    wait_for(sweep(&server.vestibule, server.clock.now())).expect("the sweep runs")
}

/// Returns the names of the tables in which a row contains one of these texts.
fn tables_with(server: &Server, wanted: &[String]) -> Vec<String> {
    let has = |row: &String| {
        let row = row.to_lowercase();
        wanted.iter().any(|text| row.contains(&text.to_lowercase()))
    };
    server.everything().into_iter().filter(|(_, rows)| rows.iter().any(has)).map(|(table, _)| table).collect()
}

#[test]
fn a_deletion_leaves_no_trace_of_the_user_in_the_tables() {
    let server = Server::start();
    let ada = server.user_with("lovelace", &["admin"], &["reports:read"]);
    server.user_with("root", &["admin"], &[]);
    let over = ada.login_with(json!({"device_name": "Adas Telefon", "fingerprint": heavy()}));
    over.call("POST", "/auth/logout").send().expect(200);
    let session = ada.login_with(json!({"device_name": "Adas Klapprechner"}));
    ada.try_login(json!({"password": "not the password"})).expect(401);
    let marked = server.call("POST", "/auth/fresh").bearer(&session.access).header("User-Agent", "AdasBrowser/7");
    marked.json(json!({"password": "not the password"})).send().expect(401);
    session.try_refresh().expect(200);

    let devices = server.device_hashes().into_iter().chain(server.device_ids());
    let ids = [&ada.id, &over.id, &session.id].map(Clone::clone);
    let names = ["lovelace", "Adas Telefon", "Adas Klapprechner", "AdasBrowser"].map(str::to_owned);
    let traces: Vec<String> = names.into_iter().chain(devices).collect();
    let all: Vec<String> = traces.iter().cloned().chain(ids).collect();
    assert!(tables_with(&server, &all).len() >= 5, "the search finds what is there");

    session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    assert_eq!(tables_with(&server, &traces), Vec::<String>::new());
    // Only random ids stay, in the feed of changes, until all tokens that they revoke have expired.
    assert_eq!(tables_with(&server, &all), ["changes"]);
    let events_with_person = server.count_events_of_persons();
    assert_eq!(events_with_person, 1, "only the event of the user root");
    server.advance(2 * DAY);
    swept(&server);
    assert_eq!(tables_with(&server, &all), Vec::<String>::new());
}

#[test]
fn a_deletion_leaves_no_trace_of_the_user_in_the_files() {
    let server = Server::start();
    let ada = server.user("adalovelace");
    let session = ada.login_with(json!({"device_name": "Adas Klapprechner"}));
    session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    // The next sweep writes the write-ahead log into the database file.
    wait_for(sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
    for entry in std::fs::read_dir(server.directory()).expect("a directory").flatten() {
        let bytes = std::fs::read(entry.path()).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        for trace in ["adalovelace", "Adas Klapprechner", "$argon2id"] {
            assert!(!text.contains(trace), "{trace} is in {}", entry.path().display());
        }
    }
}

#[test]
fn a_deletion_needs_the_password_and_a_fresh_token() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login();
    let delete = |session: &Session<'_>, body: Value| session.call("DELETE", "/users/me").json(body).send();
    delete(&session, json!({"password": "not the password"})).expect_error(401, "invalid_credentials");
    delete(&session, json!({})).expect_error(422, "invalid_request");
    delete(&session.refreshed(), json!({"password": PASSWORD})).expect_error(401, "fresh_token_required");
    delete(&session, json!({"password": PASSWORD})).expect(204);
    ada.try_login(json!({})).expect_error(401, "invalid_credentials");
    delete(&session, json!({"password": PASSWORD})).expect_error(401, "token_revoked");
    let again = server.user("ada");
    assert_ne!(again.id, ada.id);
    assert_eq!(again.login().get("/users/me/export").body["sessions"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_audit_log_keeps_a_deletion_without_the_user() {
    let server = Server::start();
    let session = server.user("ada").login();
    session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    assert_eq!(server.event_row("user_deleted"), r#"[null,null,null,"{}"]"#);
    assert_eq!(server.count_events("login_succeeded"), 1);
}

#[test]
fn a_device_is_removed_after_its_retention() {
    let server = Server::with(vec![("device_retention", "30d".into())]);
    let ada = server.user("ada");
    let session = ada.login();
    // The session expires after 7 days. Its row is removed a day later, and its device 30 days after the session expired.
    server.advance(7 * DAY);
    assert_eq!(swept(&server).sessions, 0);
    server.advance(DAY);
    assert_eq!(swept(&server), Swept::default(), "a day for clocks that step");
    server.advance(1);
    assert_eq!(swept(&server), Swept { sessions: 1, ..Swept::default() });
    server.advance(29 * DAY - 1);
    assert_eq!(swept(&server).devices, 0);
    assert_eq!(ada.login_with(json!({"device_id": session.device_id})).device_id, session.device_id);

    server.advance(7 * DAY + DAY + 1);
    swept(&server);
    server.advance(29 * DAY);
    assert_eq!(swept(&server).devices, 1);
    let stranger = ada.login_with(json!({"device_id": session.device_id}));
    assert_ne!(stranger.device_id, session.device_id);
}

#[test]
fn a_device_with_a_live_session_is_never_removed() {
    let server = Server::with(vec![("device_retention", "1d".into())]);
    let mut session = server.user("ada").login();
    for _ in 0..10 {
        server.advance(6 * DAY);
        let swept = swept(&server);
        assert_eq!((swept.devices, swept.sessions), (0, 0));
        session = session.refreshed();
    }
}

#[test]
fn the_audit_log_is_kept_for_its_retention_and_can_not_be_deleted_before() {
    let server = Server::with(vec![("audit_retention", "10d".into())]);
    let ada = server.user("ada");
    ada.login();
    server.advance(10 * DAY);
    assert_eq!(swept(&server).audit_events, 0);
    ada.login();
    server.advance(1);
    assert_eq!(
        swept(&server).audit_events,
        2 + 1,
        "the user was added and logged in, and the first signing key was created"
    );
    assert_eq!(server.count_audit_events(), 1);
    assert_eq!(server.oldest_event_at(), START + 10 * DAY);
    let forbidden = server.try_delete_audit_events();
    assert!(forbidden.is_err_and(|error| error.to_string().contains("removed by age only")));
}

#[test]
fn a_large_sweep_removes_all_rows_and_does_not_block_other_writes() {
    let server = Server::with(vec![
        ("login_rate_per_ip", "0".into()),
        ("refresh_rate_per_session", "0".into()),
        ("max_devices_per_user", 0.into()),
    ]);
    let ada = server.user("ada");
    // More rows of each kind than two batches of the sweep.
    for _ in 0..449 {
        ada.login();
    }
    assert_eq!(ada.login().call("POST", "/auth/logout_all").send().expect(200).body["revoked"], 450);
    server.advance(100 * DAY);
    let live = ada.login();
    let (total, slowest) = thread::scope(|scope| {
        let sweeping = scope.spawn(|| swept(&server));
        let mut slowest = Duration::ZERO;
        let mut latest = live.clone();
        while !sweeping.is_finished() {
            let begun = std::time::Instant::now();
            latest = latest.refreshed();
            slowest = slowest.max(begun.elapsed());
        }
        (sweeping.join().expect("no panic"), slowest)
    });
    assert_eq!(total.sessions, 450);
    assert!(total.changes >= 450 && total.audit_events >= 901, "{total:?}");
    assert!(slowest < Duration::from_secs(2), "a refresh waited {slowest:?}");
    assert_eq!(server.count_sessions(), 1);
    assert!(live.is_accepted());
    // The sweep has removed the devices too: their sessions ended 100 days ago, and the retention is 30 days.
    assert_eq!(server.count_devices(), 1);
}

#[test]
fn a_revocation_is_kept_until_the_exp_across_a_sweep_and_a_restart() {
    let settings = || {
        vec![
            ("access_token_lifetime", "3d".into()),
            ("refresh_token_lifetime", "3d".into()),
            ("session_lifetime", "3d".into()),
            ("audit_retention", "1h".into()),
            ("device_retention", "1h".into()),
        ]
    };
    let server = Server::with(settings());
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let (out, of_bob) = (ada.login(), bob.login());
    server.advance(3600);
    out.call("POST", "/auth/logout").send().expect(200);
    bob.disable();
    bob.change(vestibule::domain::user_change::UserChange { disabled: Some(false), ..Default::default() });
    let tokens = [out, of_bob].map(|session| (session.access, session.refresh));
    let mut server = server;
    for passed in [0, DAY, DAY, DAY - 3601] {
        server.advance(passed);
        swept(&server);
        for _ in 0..2 {
            for (access, refresh) in &tokens {
                server.call("GET", "/users/me").bearer(access).send().expect_error(401, "token_revoked");
                server.post("/auth/refresh", json!({"refresh_token": refresh})).expect_error(401, "token_revoked");
            }
            server = server.restart();
        }
    }
    // The tokens expire in this second.
    server.advance(1);
    for (access, refresh) in &tokens {
        server.call("GET", "/users/me").bearer(access).send().expect_error(401, "token_expired");
        server.post("/auth/refresh", json!({"refresh_token": refresh})).expect_error(401, "token_expired");
    }
    server.advance(10 * DAY);
    swept(&server);
    assert_eq!(server.count_changes_other_than("signing_keys"), 0);
    assert_eq!(server.count_sessions(), 0);
}

#[test]
fn an_unknown_name_is_logged_as_a_keyed_hash() {
    let server = Server::start();
    let body = json!({"username": "correct horse battery", "password": "whatever it was"});
    server.post("/auth/login", body).expect_error(401, "invalid_credentials");
    assert_eq!(tables_with(&server, &["correct horse".to_owned(), "whatever".to_owned()]), Vec::<String>::new());
    assert_eq!(server.name_hash_length(), 22);
}

#[test]
fn a_deletion_that_races_audit_events_leaves_no_trace_of_the_user() {
    let server = Server::with(vec![
        ("login_rate_per_ip", "0".into()),
        ("login_failures_per_account", "0".into()),
        ("refresh_rate_per_session", "0".into()),
        ("max_devices_per_user", 0.into()),
    ]);
    for round in 0..30 {
        let user = server.user(&format!("user{round}"));
        let bound = user.login_with(json!({"fingerprint": heavy()}));
        let (session, other) = (user.login(), user.login());
        let stop = AtomicBool::new(false);
        let until_stopped = |act: &(dyn Fn() + Sync)| {
            while !stop.load(Ordering::SeqCst) {
                act();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| until_stopped(&|| drop(user.try_login(json!({"password": "not the password"})))));
            scope.spawn(|| until_stopped(&|| drop(user.try_login(json!({})))));
            scope.spawn(|| until_stopped(&|| drop(bound.try_refresh())));
            scope.spawn(|| until_stopped(&|| drop(other.post("/auth/fresh", json!({"password": "not the password"})))));
            thread::sleep(Duration::from_millis(3));
            let deleted = session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send();
            thread::sleep(Duration::from_millis(2));
            stop.store(true, Ordering::SeqCst);
            deleted.expect(204);
        });
        let left = tables_with(&server, &[user.id.clone(), bound.id.clone(), other.id.clone(), session.id.clone()]);
        assert_eq!(
            left,
            ["changes"],
            "round {round}: only the feed of changes still contains ids, until all tokens have expired"
        );
    }
}

#[test]
fn an_ended_session_is_exported_with_its_end_and_reason() {
    let server = Server::start();
    let ada = server.user("ada");
    let (out, stays) = (ada.login_with(json!({"fingerprint": {"os": "Linux", "cpu": "riscv"}})), ada.login());
    out.call("POST", "/auth/logout").send().expect(200);
    let export = stays.get("/users/me/export").expect(200).body;
    let sessions = export["sessions"].as_array().expect("a list");
    let ended = sessions.iter().find(|session| session["id"] == out.id.as_str()).expect("it is there");
    assert_eq!(ended["revoked_reason"], "logout");
    assert!(ended["revoked_at"].is_string());
    assert_eq!(ended["fingerprint"], json!(["cpu", "os"]));
}

#[test]
fn attempts_under_the_name_of_a_later_account_are_forgotten_with_it() {
    let server = Server::with(vec![("trusted_proxies", "127.0.0.1".into())]);
    let attempt = |name: &str| {
        let body = json!({"username": name, "password": "not the password"});
        server.call("POST", "/auth/login").header("X-Forwarded-For", "203.0.113.77").json(body).send().expect(401);
    };
    ["ada", "ADA", "ada@example.com", "somebody"].into_iter().for_each(attempt);
    let session = server.user("ada").login();
    let nameless = || server.everything().values().flatten().filter(|row| row.contains("203.0.113.77")).count();
    assert_eq!(nameless(), 4);
    session.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
    assert_eq!(nameless(), 1, "only the attempt under another name is left");
}

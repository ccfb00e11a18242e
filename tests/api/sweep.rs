//! The removal of expired rows.

use std::{thread, time::Duration, time::Instant};

use serde_json::json;
use vestibule::flows::sweep;

use crate::support::{PASSWORD, START, Server, wait_for};

/// The seconds after which everything that the test stores has expired.
const LONG_AFTER: i64 = 200 * 24 * 60 * 60;

/// The maximum time of the first removal after a start. It is long, for busy machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// The number of rows that one transaction removes from a table.
const BATCH: usize = 200;

#[test]
fn a_server_that_starts_removes_by_itself_what_has_expired() {
    let server = Server::start();
    let root = server.user_with("root", &["admin"], &[]).login();
    let ada = server.user("ada");
    ada.login();
    ada.login().call("POST", "/auth/logout").send().expect(200);
    root.post(&format!("/admin/users/{}/link", ada.id), json!({"purpose": "reset"})).expect(201);
    let left = |server: &Server| {
        let (sessions, devices, links) = (server.count_sessions(), server.count_devices(), server.count_links());
        (sessions, devices, links, server.count_changes("session_revoked"), server.oldest_event_at() - START)
    };
    assert_eq!(left(&server), (3, 3, 1, 1, 0));
    server.advance(LONG_AFTER);
    // The event of this login shows the next start that the clock is right.
    server.try_login("root", PASSWORD).expect(200);
    assert_eq!(left(&server), (4, 4, 1, 1, 0));
    let server = server.restart();
    let started = Instant::now();
    while left(&server) != (1, 1, 0, 0, LONG_AFTER) {
        assert!(started.elapsed() < PATIENCE, "sessions, devices, links, changes, oldest event: {:?}", left(&server));
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_sweep_that_fails_leaves_its_earlier_batches_committed() {
    let server = Server::start();
    let recent = server.count_audit_events();
    server.refuse_deletions_of_events_after(250);
    server.insert_old_events(450);
    let sweep = || wait_for(sweep::sweep(&server.vestibule, server.clock.now()));
    sweep().expect_err("the second batch is refused");
    assert_eq!(server.count_audit_events(), recent + 450 - BATCH);
    server.permit_deletions_of_events();
    sweep().expect("it sweeps");
    assert_eq!(server.count_audit_events(), recent);
}

//! The values of the setting `fingerprint_policy`.

use serde_json::json;

use super::{is_bound, refresh};
use crate::support::{
    Server, Session,
    fingerprints::{another_machine, chromium, drifted},
};

#[test]
fn off_neither_reads_nor_stores_a_fingerprint() {
    let server = Server::with(vec![("fingerprint_policy", "off".into())]);
    let ada = server.user("ada");
    for odd in [json!(7), json!("x".repeat(50_000)), chromium()] {
        let session = ada.login_with(json!({"fingerprint": odd}));
        assert!(!is_bound(&session));
        assert_eq!(server.sealed_fingerprint(&session.id), "none");
        session.try_refresh_on(&server, &json!([1])).expect(200);
    }
}

#[test]
fn off_does_not_check_bound_sessions_and_enforce_checks_them_again() {
    let server = Server::start();
    let token = server.user("ada").login_with(json!({"fingerprint": chromium()})).refresh;
    let server = server.restart_with(vec![("fingerprint_policy", "off".into())]);
    let answer = server.post("/auth/refresh", json!({"refresh_token": token})).expect(200);
    let token = answer.text_at("refresh_token").to_owned();
    let server = server.restart_with(vec![]);
    server.post("/auth/refresh", json!({"refresh_token": token})).expect_error(401, "device_mismatch");
    refresh(&server, &token, &chromium()).expect(200);
}

#[test]
fn log_compares_and_records_and_refuses_nothing() {
    let server = Server::with(vec![("fingerprint_policy", "log".into())]);
    let mut session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let before = server.sealed_fingerprint(&session.id);
    for count in 1..=4 {
        session = Session::from(&server, &session.try_refresh_on(&server, &another_machine()).expect(200));
        assert_eq!(server.count_events("device_mismatch"), count);
    }
    session = session.refreshed();
    Session::from(&server, &session.try_refresh_on(&server, &drifted()).expect(200));
    assert_eq!((server.count_events("device_mismatch"), server.count_events("device_drift")), (5, 1));
    assert_eq!(server.sealed_fingerprint(&session.id), before);
}

#[test]
fn require_refuses_a_login_without_a_fingerprint() {
    let server = Server::with(vec![("fingerprint_policy", "require".into())]);
    let ada = server.user("ada");
    for more in [json!({}), json!({"fingerprint": null})] {
        let refused = ada.try_login(more).expect_error(422, "invalid_request");
        assert_eq!(refused.bad_fields(), ["fingerprint"]);
    }
    let session = ada.login_with(json!({"fingerprint": chromium()}));
    assert!(is_bound(&session));
    session.try_refresh().expect_error(401, "device_mismatch");
    session.try_refresh_on(&server, &chromium()).expect(200);
}

#[test]
fn require_still_refreshes_sessions_that_were_opened_without_a_fingerprint() {
    let server = Server::start();
    let token = server.user("ada").login().refresh;
    let server = server.restart_with(vec![("fingerprint_policy", "require".into())]);
    server.post("/auth/refresh", json!({"refresh_token": token})).expect(200);
}

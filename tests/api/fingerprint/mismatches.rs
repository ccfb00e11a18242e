//! Refreshes with the fingerprint of another device: they are refused, and the third in a row or the tenth within a day ends
//! the session.

use serde_json::json;

use super::refresh;
use crate::support::{
    Server, Session,
    fingerprints::{another_machine, chromium, drifted},
    unlimited,
};

/// The seconds of a day.
const DAY: i64 = 24 * 60 * 60;

#[test]
fn a_mismatch_rotates_nothing() {
    let server = Server::start();
    let session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let before = server.rotation_of(&session.id);
    server.advance(100);
    session.try_refresh().expect_error(401, "device_mismatch");
    let refused = session.try_refresh_on(&server, &another_machine()).expect_error(401, "device_mismatch");
    assert!(refused.header("www-authenticate").is_some_and(|challenge| challenge.contains("error=\"invalid_token\"")));
    assert_eq!(server.rotation_of(&session.id), before);
    assert!(session.is_accepted(), "the access token that was issued is still valid");
    session.try_refresh_on(&server, &chromium()).expect(200);
}

#[test]
fn the_third_mismatch_in_a_row_ends_the_session() {
    let server = Server::start();
    let ada = server.user("ada");
    let (session, other) = (ada.login_with(json!({"fingerprint": chromium()})), ada.login());
    for _ in 0..3 {
        session.try_refresh_on(&server, &another_machine()).expect_error(401, "device_mismatch");
    }
    session.try_refresh_on(&server, &chromium()).expect_error(401, "token_revoked");
    session.expect_revoked();
    assert!(other.is_accepted());
    let reason = server.revoked_reason(&session.id);
    assert_eq!((reason.as_str(), server.count_events("device_mismatch")), ("device_mismatch", 3));
}

#[test]
fn a_success_between_mismatches_resets_the_count() {
    let server = Server::start();
    let mut session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    for fingerprint in [chromium(), drifted(), chromium()] {
        for _ in 0..2 {
            session.try_refresh().expect_error(401, "device_mismatch");
        }
        session = Session::from(&server, &session.try_refresh_on(&server, &fingerprint).expect(200));
    }
    assert!(session.is_accepted());
}

/// Sends mismatches in rounds of two, each followed by a match. Returns the refresh token after the last match.
fn rounds_of_two(server: &Server, mut token: String, rounds: usize) -> String {
    for _ in 0..rounds {
        for _ in 0..2 {
            refresh(server, &token, &another_machine()).expect_error(401, "device_mismatch");
        }
        token = matched(server, &token);
    }
    token
}

/// Refreshes with the fingerprint of the session's own device. Returns the new refresh token.
fn matched(server: &Server, token: &str) -> String {
    refresh(server, token, &chromium()).expect(200).text_at("refresh_token").to_owned()
}

/// Returns a server, and the refresh token of a session with eight mismatches. The server was restarted after the first four.
fn after_eight_mismatches() -> (Server, String) {
    let server = Server::with(unlimited(vec![]));
    let token = server.user("ada").login_with(json!({"fingerprint": chromium()})).refresh;
    let token = rounds_of_two(&server, token, 2);
    let server = server.restart();
    let token = rounds_of_two(&server, token, 2);
    (server, token)
}

#[test]
fn the_tenth_mismatch_within_a_day_ends_the_session_although_matches_came_between() {
    let (server, token) = after_eight_mismatches();
    // The first eight are not a day old yet.
    server.advance(DAY - 1);
    refresh(&server, &token, &another_machine()).expect_error(401, "device_mismatch");
    let token = matched(&server, &token);
    refresh(&server, &token, &another_machine()).expect_error(401, "device_mismatch");
    refresh(&server, &token, &chromium()).expect_error(401, "token_revoked");
    assert_eq!((server.count_live_sessions(), server.count_sessions_revoked_for("device_mismatch")), (0, 1));
    assert_eq!(server.count_events("device_mismatch"), 10);
}

#[test]
fn mismatches_of_more_than_a_day_ago_are_not_counted() {
    let (server, token) = after_eight_mismatches();
    server.advance(DAY);
    let token = rounds_of_two(&server, token, 4);
    assert_eq!((server.count_events("device_mismatch"), server.count_live_sessions()), (16, 1));
    refresh(&server, &token, &another_machine()).expect_error(401, "device_mismatch");
    matched(&server, &token);
}

#[test]
fn a_reused_token_is_refused_as_reused_from_every_device() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let second = Session::from(&server, &first.try_refresh_on(&server, &chromium()).expect(200));
    server.advance(31);
    first.try_refresh_on(&server, &another_machine()).expect_error(401, "refresh_reused");
    second.try_refresh_on(&server, &chromium()).expect_error(401, "token_revoked");
    assert_eq!(server.count_events("device_mismatch"), 0);
}

#[test]
fn a_repeat_within_the_grace_needs_the_fingerprint() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let second = first.try_refresh_on(&server, &chromium()).expect(200);
    server.advance(30);
    first.try_refresh().expect_error(401, "device_mismatch");
    first.try_refresh_on(&server, &another_machine()).expect_error(401, "device_mismatch");
    let again = first.try_refresh_on(&server, &chromium()).expect(200);
    assert_eq!(again.text_at("refresh_token"), second.text_at("refresh_token"));
}

#[test]
fn an_ended_session_is_refused_as_revoked_from_every_device() {
    let server = Server::start();
    let session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    session.call("POST", "/auth/logout").send().expect(200);
    session.try_refresh_on(&server, &another_machine()).expect_error(401, "token_revoked");
    assert_eq!(server.count_events("device_mismatch"), 0);
}

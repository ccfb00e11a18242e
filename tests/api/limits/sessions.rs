//! The limits of a session: its refreshes, and the wrong passwords that are proved in it.

use std::thread;

use serde_json::json;

use super::{WRONG, settings, too_many, with};
use crate::support::{Answer, PASSWORD, Server, Session};

#[test]
fn refreshes_of_one_session_are_limited_and_repeats_are_not_counted() {
    let server = with(&[("refresh_rate_per_session", "2/1m")]);
    let ada = server.user("ada");
    let (first, other) = (ada.login(), ada.login());
    let second = first.refreshed();
    for _ in 0..20 {
        assert_eq!(first.refreshed().refresh, second.refresh);
    }
    let third = second.refreshed();
    let wait = too_many(third.try_refresh());
    assert_eq!(wait, 30);
    for _ in 0..20 {
        assert_eq!(second.refreshed().refresh, third.refresh);
    }
    other.refreshed();
    server.advance(wait - 1);
    too_many(third.try_refresh());
    server.advance(1);
    // The refusals neither ended the session nor counted against the limit.
    let fourth = third.refreshed();
    assert!(fourth.is_accepted());
    too_many(fourth.try_refresh());
}

#[test]
fn the_limit_of_refreshes_is_kept_under_concurrent_refreshes() {
    let server = with(&[("refresh_rate_per_session", "5/1m")]);
    let session = server.user("ada").login();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut session = session.clone();
                for _ in 0..10 {
                    let answer = session.try_refresh();
                    if answer.status == 429 {
                        return;
                    }
                    session = Session::from(&server, &answer.expect(200));
                }
            });
        }
    });
    assert_eq!(server.highest_generation(), 6);
}

#[test]
fn refreshes_are_limited_without_rotation_too() {
    let mut settings = settings(&[("refresh_rate_per_session", "2/1m")]);
    settings.push(("rotate_refresh_tokens", json!(false)));
    let server = Server::with(settings);
    let session = server.user("ada").login();
    session.refreshed();
    session.refreshed();
    too_many(session.try_refresh());
}

/// Sends a password to one of the three calls that check the password of a signed-in user. `at` modulo 3 chooses the call.
fn prove(session: &Session<'_>, password: &str, at: usize) -> Answer {
    match at % 3 {
        0 => session.post("/auth/fresh", json!({"password": password})),
        1 => {
            let body = json!({"current_password": password, "new_password": "seven lighthouses in the fog"});
            session.post("/users/me/password", body)
        }
        _ => session.call("DELETE", "/users/me").json(json!({"password": password})).send(),
    }
}

#[test]
fn five_wrong_passwords_end_the_session_at_each_call_and_across_the_calls() {
    for only in [None, Some(0), Some(1), Some(2)] {
        let server = Server::start();
        let ada = server.user("ada");
        let (session, other) = (ada.login(), ada.login());
        for attempt in 0..4 {
            prove(&session, WRONG, only.unwrap_or(attempt)).expect_error(401, "invalid_credentials");
        }
        assert!(session.is_accepted());
        prove(&session, WRONG, only.unwrap_or(4)).expect_error(401, "invalid_credentials");
        session.get("/users/me").expect_error(401, "token_revoked");
        session.try_refresh().expect_error(401, "token_revoked");
        prove(&session, PASSWORD, only.unwrap_or(5)).expect_error(401, "token_revoked");
        assert!(other.is_accepted());
        ada.login();
    }
}

#[test]
fn a_correct_password_resets_the_count_of_wrong_passwords() {
    let server = with(&[("login_failures_per_account", "0")]);
    let session = server.user("ada").login();
    for _ in 0..3 {
        for attempt in 0..4 {
            prove(&session, WRONG, attempt).expect_error(401, "invalid_credentials");
        }
        session.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    }
    assert!(session.is_accepted());
}

#[test]
fn wrong_proofs_in_several_sessions_count_against_the_username() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "6/1h")]);
    let ada = server.user("ada");
    for session in [ada.login(), ada.login()] {
        for _ in 0..3 {
            session.post("/auth/fresh", json!({"password": WRONG})).expect_error(401, "invalid_credentials");
        }
    }
    too_many(server.try_login("ada", PASSWORD));
}

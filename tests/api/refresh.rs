//! `POST /auth/refresh`: the table "Rotation" of `docs/contract/http-api.md`, row by row, and concurrent refreshes.

use std::{
    collections::HashSet,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::json;
use vestibule::domain::{Permission, user_change::UserChange};

use crate::support::{Server, Session, part};

const DAY: i64 = 24 * 3600;

#[test]
fn a_refresh_returns_new_tokens_and_the_access_token_is_not_fresh() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.advance(60);
    let answer = session.try_refresh().expect(200);
    assert_ne!(answer.text_at("refresh_token"), session.refresh);
    assert_eq!(answer.body["session_id"], session.id.as_str());
    assert_eq!(answer.body["device_id"], session.device_id.as_str());
    let claims = answer.claims();
    assert_eq!(claims["fresh"], false);
    assert_eq!(claims["auth_time"].as_i64(), claims["iat"].as_i64().map(|iat| iat - 60));
    assert!(Session::from(&server, &answer).is_accepted());
    assert!(session.is_accepted(), "the older access token lives to its end");
}

#[test]
fn a_superseded_token_gives_the_current_one_again_within_the_grace() {
    let server = Server::start();
    let first = server.user("ada").login();
    let second = first.refreshed();
    server.advance(30);
    let again = first.refreshed();
    assert_eq!(again.refresh, second.refresh, "byte for byte");
    assert_ne!(again.access, second.access);
    assert_eq!(server.generation(), 2, "nothing rotates");
}

#[test]
fn every_token_superseded_within_the_grace_period_returns_the_current_token() {
    let server = Server::start();
    let first = server.user("ada").login();
    let mut latest = first.clone();
    for _ in 0..20 {
        server.advance(1);
        latest = latest.refreshed();
    }
    assert_eq!(first.refreshed().refresh, latest.refresh, "superseded 19 seconds ago, 20 generations back");
    server.advance(12);
    first.try_refresh().expect_error(401, "refresh_reused");
}

#[test]
fn a_token_superseded_longer_ago_than_the_grace_period_ends_the_session() {
    let server = Server::start();
    let first = server.user("ada").login();
    let second = first.refreshed();
    server.advance(31);
    let refused = first.try_refresh().expect_error(401, "refresh_reused");
    assert!(refused.header("www-authenticate").is_some_and(|challenge| challenge.contains("error=\"invalid_token\"")));
    second.try_refresh().expect_error(401, "token_revoked");
    second.get("/users/me").expect_error(401, "token_revoked");
    assert_eq!(server.count_events("refresh_reused"), 1);
    let second = second.refresh;
    let server = server.restart();
    server.post("/auth/refresh", json!({"refresh_token": second})).expect_error(401, "token_revoked");
}

#[test]
fn a_refresh_token_expires_in_the_second_of_its_exp() {
    let server = Server::start();
    let ada = server.user("ada");
    let (early, late) = (ada.login(), ada.login());
    server.advance(7 * DAY - 1);
    early.try_refresh().expect(200);
    server.advance(1);
    late.try_refresh().expect_error(401, "token_expired");
}

#[test]
fn each_rotation_extends_the_expiry_up_to_the_end_of_the_session() {
    let server = Server::with(vec![("session_lifetime", "10d".into())]);
    let session = server.user("ada").login();
    server.advance(6 * DAY);
    let answer = session.try_refresh().expect(200);
    assert_eq!(answer.body["refresh_expires_in"], 4 * DAY);
    server.advance(4 * DAY - 60);
    let answer = Session::from(&server, &answer).try_refresh().expect(200);
    assert_eq!(answer.body["refresh_expires_in"], 60);
    assert_eq!(answer.body["expires_in"], 60, "an access token never outlives its session");
    let last = Session::from(&server, &answer);
    server.advance(59);
    assert!(last.is_accepted());
    server.advance(1);
    last.get("/users/me").expect_error(401, "token_expired");
    last.try_refresh().expect_error(401, "token_expired");
}

#[test]
fn a_value_that_is_not_a_refresh_token_is_refused() {
    let server = Server::start();
    let session = server.user("ada").login();
    let refresh = |token: &str| server.post("/auth/refresh", json!({"refresh_token": token}));
    refresh("garbage").expect_error(401, "invalid_token");
    refresh(&session.access).expect_error(401, "wrong_token_type");
    refresh(&session.refresh[..session.refresh.len() - 4]).expect_error(401, "invalid_token");
    server.post("/auth/refresh", json!({})).expect_error(401, "missing_token");
    server.call("POST", "/auth/refresh").send().expect_error(401, "missing_token");
    server.post("/auth/refresh", json!({"refresh_token": 7})).expect_error(422, "invalid_request");
    let elsewhere = Server::start();
    let foreign = elsewhere.user("ada").login();
    refresh(&foreign.refresh).expect_error(401, "invalid_token");
}

#[test]
fn a_token_of_another_issuer_is_refused() {
    let server = Server::start();
    let token = server.user("ada").login().refresh;
    let server = server.restart_with(vec![("issuer", "https://other.example".into())]);
    server.post("/auth/refresh", json!({"refresh_token": token})).expect_error(401, "invalid_token");
}

#[test]
fn a_disabled_user_can_not_refresh() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login();
    ada.disable();
    session.try_refresh().expect_error(401, "token_revoked");
    session.get("/users/me").expect_error(401, "token_revoked");
}

#[test]
fn rotations_are_limited_per_session_and_repeated_results_are_not() {
    let server = Server::with(vec![("refresh_rate_per_session", "3/1m".into())]);
    let ada = server.user("ada");
    let first = ada.login();
    let latest = first.refreshed().refreshed().refreshed();
    let refused = latest.try_refresh().expect_error(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("20"));
    for _ in 0..10 {
        assert_eq!(first.refreshed().refresh, latest.refresh);
    }
    ada.login().refreshed();
    server.advance(20);
    latest.try_refresh().expect(200);
}

#[test]
fn a_restart_changes_no_result_of_a_refresh() {
    let server = Server::start();
    let first = server.user("ada").login();
    let second = first.refreshed();
    let (first, second) = (first.refresh, second.refresh);
    let server = server.restart();
    let repeated = server.post("/auth/refresh", json!({"refresh_token": first})).expect(200);
    assert_eq!(repeated.text_at("refresh_token"), second);
    let server = server.restart();
    server.post("/auth/refresh", json!({"refresh_token": second})).expect(200);
}

#[test]
fn a_token_that_is_newer_than_the_restored_database_is_accepted() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.advance(60);
    let ahead = session.refreshed().refreshed();
    // The state of the session after an older copy of the database was restored.
    server.set_back_to_the_first_generation();
    let next = ahead.refreshed();
    assert_eq!(part(&next.refresh, 1)["gen"], 4);
    next.refreshed();
    assert_eq!(ahead.refreshed().refresh, next.refreshed().refresh);
}

#[test]
fn fifty_concurrent_refreshes_of_one_token_return_the_same_successor() {
    let server = Server::with(vec![("session_lifetime", "3650d".into()), ("refresh_token_lifetime", "3650d".into())]);
    let ada = server.user("ada");
    let mut session = ada.login();
    for round in 0..200 {
        server.advance(31);
        let barrier = Barrier::new(50);
        let answers: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..50)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        session.try_refresh()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let successors: HashSet<String> =
            answers.into_iter().map(|answer| answer.expect(200).text_at("refresh_token").to_owned()).collect();
        assert_eq!(successors.len(), 1, "round {round}");
        assert_eq!(server.generation(), round + 2);
        session.refresh = successors.into_iter().next().expect("one");
    }
}

#[test]
fn a_hundred_concurrent_refreshes_count_as_one_rotation() {
    let server = Server::with(vec![("refresh_rate_per_session", "1/1m".into())]);
    let session = server.user("ada").login();
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| session.try_refresh().expect(200));
        }
    });
}

#[test]
fn changes_of_the_user_during_refreshes_end_no_session_even_without_grace() {
    let off = [("refresh_reuse_grace", json!(0)), ("refresh_rate_per_session", json!("0"))];
    let server = Server::with(off.to_vec());
    let ada = server.user_with("ada", &[], &["posts:read"]);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let changes = scope.spawn(|| {
            let permission = || vec![Permission::parse("posts:read").expect("a permission")];
            let mut changes = 0;
            while !over.load(Ordering::Relaxed) {
                // Each removal of a permission raises the authorization version.
                ada.change(UserChange {
                    permissions: vestibule::domain::user_change::ListChange::removing(vec!["posts:read".to_owned()]),
                    ..UserChange::default()
                });
                ada.change(UserChange {
                    permissions: vestibule::domain::user_change::ListChange::adding(permission()),
                    ..UserChange::default()
                });
                changes += 1;
            }
            changes
        });
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let mut session = ada.login();
                scope.spawn(move || {
                    for _ in 0..150 {
                        session = session.refreshed();
                    }
                })
            })
            .collect();
        let ended: Vec<_> = clients.into_iter().map(|client| client.join()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(Result::is_ok), "nobody is out");
        assert!(changes.join().expect("it changes") > 20);
    });
    assert_eq!(server.count_events("refresh_reused"), 0);
    assert_eq!(server.count_live_sessions(), 3);
}

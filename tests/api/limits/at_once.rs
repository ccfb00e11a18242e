//! Each limit under concurrent requests, a hundred more than the limit permits. The last bytes of all requests are sent at the
//! same moment. Of the requests that a limit counts, exactly as many pass as the limit states. The last two tests send one
//! request after the other: they test by which names wrong passwords are counted.

use serde_json::{Value, json};

use super::WRONG;
use crate::support::{
    Answer, PASSWORD, Server, Session, Settings,
    at_once::{Raw, at_once},
    claims,
};

const NEW: &str = "seven lighthouses in the fog";

/// The number of requests beyond the limit.
const MORE: usize = 100;

/// Starts a server with only these limits, with the paths of the predecessors, and with a queue that is long enough for all
/// passwords to be hashed.
fn server(limits: Settings) -> Server {
    let off = ["login_rate_per_ip", "login_failures_per_account", "register_rate_per_ip", "refresh_rate_per_session"];
    let off = off.into_iter().filter(|key| limits.iter().all(|(limited, _)| limited != key));
    let mut settings: Settings = off.map(|key| (key, json!("0"))).collect();
    settings.extend([("hash_queue", json!(1000)), ("compat_routes", json!(true)), ("max_devices_per_user", json!(0))]);
    settings.extend(limits);
    Server::with(settings)
}

/// Returns the number of responses with a status and an error code; `None` for responses without an error code.
fn count(answers: &[Answer], status: u16, code: Option<&str>) -> usize {
    answers.iter().filter(|answer| answer.status == status && answer.body["error"].as_str() == code).count()
}

/// Checks that exactly `passed` responses have the status and code `let_through`, and all others `refused`.
#[track_caller]
fn expect(answers: &[Answer], passed: usize, let_through: (u16, Option<&str>), refused: (u16, &str)) {
    let through = count(answers, let_through.0, let_through.1);
    let kept_out = count(answers, refused.0, Some(refused.1));
    let other = answers.iter().find(|answer| {
        let got = (answer.status, answer.body["error"].as_str());
        got != let_through && got != (refused.0, Some(refused.1))
    });
    assert_eq!((through, kept_out), (passed, answers.len() - passed), "another answer: {other:?}");
}

const TOO_MANY: (u16, &str) = (429, "too_many_requests");
const WRONG_PASSWORD: (u16, Option<&str>) = (401, Some("invalid_credentials"));
const REVOKED: (u16, &str) = (401, "token_revoked");

/// Returns a login with a wrong password.
fn login(server: &Server, name: &str, device: Option<&str>) -> Raw {
    let body = json!({"username": name, "password": WRONG, "device_id": device});
    Raw::new(server, "POST", "/auth/login", &[], &body)
}

#[test]
fn logins_are_limited_by_address() {
    let server = server(vec![("login_rate_per_ip", json!("10/1h"))]);
    let requests: Vec<Raw> = (0..10 + MORE).map(|n| login(&server, &format!("nobody{n}"), None)).collect();
    expect(&at_once(&server, &requests), 10, WRONG_PASSWORD, TOO_MANY);
}

#[test]
fn wrong_passwords_are_limited_by_each_name_known_or_not_and_on_a_known_device() {
    let server = server(vec![("login_failures_per_account", json!("10/1h"))]);
    let device = server.user("ada").login().device_id;
    for (name, device) in [
        ("ada", None),
        ("ada@example.com", None),
        ("nobody", None),
        ("nobody@example.com", None),
        ("ada", Some(&*device)),
        ("ada@example.com", Some(&*device)),
    ] {
        let requests: Vec<Raw> = (0..10 + MORE).map(|_| login(&server, name, device)).collect();
        expect(&at_once(&server, &requests), 10, WRONG_PASSWORD, TOO_MANY);
    }
    // Beside the ten, the first attempt past the limit is recorded, of each name and device.
    assert_eq!(server.count_events("login_failed"), 6 * 11);
}

#[test]
fn registrations_are_limited_by_address() {
    let server = server(vec![("register_rate_per_ip", json!("10/1h"))]);
    let body = |n| json!({"username": format!("person{n}"), "password": PASSWORD});
    let register = |body: &Value| Raw::new(&server, "POST", "/auth/register", &[], body);
    let requests: Vec<Raw> = (0..10 + MORE).map(|n| register(&body(n))).collect();
    expect(&at_once(&server, &requests), 10, (201, None), TOO_MANY);
    assert_eq!(server.count_users(), 10);
}

#[test]
fn estimates_of_new_passwords_are_limited_by_address() {
    // An address has ten estimates for each account that it may create.
    let server = server(vec![("register_rate_per_ip", json!("1/1h"))]);
    let weak = json!({"username": "person", "password": "password123"});
    let requests: Vec<Raw> = (0..10 + MORE).map(|_| Raw::new(&server, "POST", "/auth/register", &[], &weak)).collect();
    expect(&at_once(&server, &requests), 10, (422, Some("invalid_request")), TOO_MANY);
}

#[test]
fn attempts_to_use_a_taken_name_are_limited_by_address() {
    let server = server(vec![("register_rate_per_ip", json!("10/1h"))]);
    server.user("bob");
    let ada = server.user("ada").login();
    for (field, value) in [("username", "bob"), ("email", "bob@example.com")] {
        server.advance(3 * 3600);
        let own = Session::from(&server, &server.post("/auth/login", json!({"username": "ada", "password": PASSWORD})));
        let rename = || Raw::bearer(&server, &own.access, "PATCH", "/users/me", &json!({field: value}));
        let requests: Vec<Raw> = (0..10 + MORE).map(|_| rename()).collect();
        expect(&at_once(&server, &requests), 10, (409, Some("already_exists")), TOO_MANY);
    }
    // A change to a free name gives its count back, so any number of them passes.
    server.advance(3 * 3600);
    let own = Session::from(&server, &server.post("/auth/login", json!({"username": "ada", "password": PASSWORD})));
    let rename = |n| Raw::bearer(&server, &own.access, "PATCH", "/users/me", &json!({"username": format!("ada{n}")}));
    let requests: Vec<Raw> = (0..10 + MORE).map(rename).collect();
    assert_eq!(count(&at_once(&server, &requests), 200, None), 10 + MORE);
    drop(ada);
}

#[test]
fn refreshes_without_rotation_are_limited_by_session() {
    let limits = vec![("refresh_rate_per_session", json!("5/1h")), ("rotate_refresh_tokens", json!(false))];
    let server = server(limits);
    let session = server.user("ada").login();
    let refresh = || Raw::new(&server, "POST", "/auth/refresh", &[], &json!({"refresh_token": session.refresh}));
    let requests: Vec<Raw> = (0..5 + MORE).map(|_| refresh()).collect();
    expect(&at_once(&server, &requests), 5, (200, None), TOO_MANY);
}

#[test]
fn rotations_are_limited_by_session_and_repeats_are_not_counted() {
    let server = server(vec![("refresh_rate_per_session", json!("5/1h"))]);
    let mut session = server.user("ada").login();
    for rotation in 1..=7 {
        let refresh = || Raw::new(&server, "POST", "/auth/refresh", &[], &json!({"refresh_token": session.refresh}));
        let requests: Vec<Raw> = (0..5 + MORE).map(|_| refresh()).collect();
        let answers = at_once(&server, &requests);
        if rotation > 5 {
            assert_eq!(count(&answers, 429, Some("too_many_requests")), 5 + MORE);
            continue;
        }
        // One request rotates. Each other request gets the refresh token of that rotation and is not counted.
        session = Session::from(&server, &answers[0]);
        let same = answers.iter().filter(|answer| answer.body["refresh_token"] == *session.refresh).count();
        assert_eq!(same, 5 + MORE);
    }
    assert_eq!(server.generation(), 6);
}

#[test]
fn renewals_at_the_path_of_the_predecessors_are_limited_by_session() {
    let server = server(vec![("refresh_rate_per_session", json!("5/1h"))]);
    let session = server.user("ada").login();
    let renew = || Raw::bearer(&server, &session.access, "POST", "/auth/jwt/refresh", &json!({"padding": "so many"}));
    let requests: Vec<Raw> = (0..5 + MORE).map(|_| renew()).collect();
    expect(&at_once(&server, &requests), 5, (200, None), TOO_MANY);
}

#[test]
fn exactly_five_wrong_passwords_are_compared_in_a_session() {
    let server = server(vec![]);
    let ada = server.user("ada");
    let proofs: [(&str, &str, Value); 3] = [
        ("POST", "/auth/fresh", json!({"password": WRONG})),
        ("POST", "/users/me/password", json!({"current_password": WRONG, "new_password": NEW})),
        ("DELETE", "/users/me", json!({"password": WRONG})),
    ];
    // The passwords are sent to each endpoint alone, and then to all three.
    for chosen in [&proofs[..1], &proofs[1..2], &proofs[2..], &proofs] {
        let session = ada.login();
        let request = |n: usize| {
            let (method, path, body) = &chosen[n % chosen.len()];
            Raw::bearer(&server, &session.access, method, path, body)
        };
        let requests: Vec<Raw> = (0..5 + MORE).map(request).collect();
        expect(&at_once(&server, &requests), 5, WRONG_PASSWORD, REVOKED);
        session.try_refresh().expect_error(401, "token_revoked");
    }
    assert_eq!(server.count_events("reauthentication_failed"), 20);
}

#[test]
fn exactly_three_mismatching_fingerprints_are_compared_in_a_session() {
    let server = server(vec![]);
    let ada = server.user("ada");
    let browser = |canvas: &str| json!({"gpu": canvas, "canvasPrint": canvas, "fonts": canvas, "os": "Linux", "browser": "Firefox"});
    let session = ada.login_with(json!({"fingerprint": browser("the right one")}));
    let guess = |n: usize| {
        let body = json!({"refresh_token": session.refresh, "fingerprint": browser(&format!("guess {n}"))});
        Raw::new(&server, "POST", "/auth/refresh", &[], &body)
    };
    let requests: Vec<Raw> = (0..3 + MORE).map(guess).collect();
    expect(&at_once(&server, &requests), 3, (401, Some("device_mismatch")), REVOKED);
    assert_eq!(server.count_events("device_mismatch"), 3);
    assert_eq!(claims(&session.access)["sid"], session.id);
}

#[test]
fn the_limit_of_devices_is_kept() {
    for (policy, passed) in [("reject", 4), ("evict_oldest", 4 + MORE)] {
        let server = server(vec![("max_devices_per_user", json!(4)), ("device_limit_policy", json!(policy))]);
        server.user("ada");
        let body = json!({"username": "ada", "password": PASSWORD});
        let requests: Vec<Raw> = (0..4 + MORE).map(|_| Raw::new(&server, "POST", "/auth/login", &[], &body)).collect();
        expect(&at_once(&server, &requests), passed, (200, None), (403, "device_limit_reached"));
        assert_eq!(server.count_live_sessions(), 4);
    }
}

#[test]
fn no_sequence_of_responses_reveals_that_two_names_belong_to_one_account() {
    let server = server(vec![("login_failures_per_account", json!("10/15m"))]);
    server.user("bob");
    let wrong = |name: &str| server.post("/auth/login", json!({"username": name, "password": WRONG})).status;
    // `nobody` is a name without an account; `other` is the name of another account.
    server.user("other");
    let names = ["bob", "bob@example.com", "other", "other@example.com", "nobody", "nobody@example.com"];
    for first in names {
        server.advance(3600);
        let exhausted: Vec<u16> = (0..12).map(|_| wrong(first)).collect();
        assert_eq!(exhausted, [[401; 10].as_slice(), &[429; 2]].concat(), "{first}");
        for second in names.into_iter().filter(|second| *second != first) {
            assert_eq!(wrong(second), 401, "{first}, then {second}");
        }
    }
}

#[test]
fn wrong_proofs_in_a_session_count_against_both_names() {
    let server = server(vec![("login_failures_per_account", json!("4/15m"))]);
    let session = server.user("ada").login();
    for _ in 0..4 {
        session.post("/auth/fresh", json!({"password": WRONG})).expect_error(401, "invalid_credentials");
    }
    for name in ["ada", "ada@example.com"] {
        let body = json!({"username": name, "password": PASSWORD});
        server.post("/auth/login", body).expect_error(429, "too_many_requests");
    }
    // The session's device has an allowance of its own. The wrong passwords exhausted it too.
    session.post("/auth/fresh", json!({"password": PASSWORD})).expect_error(429, "too_many_requests");
}

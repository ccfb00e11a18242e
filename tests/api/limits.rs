//! How often something may be tried: by address, by account, by session, and how many passwords are hashed at once.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Server, Session, Settings};

const WRONG: &str = "a short swim in the lake";

fn with(limits: &[(&'static str, &str)]) -> Server {
    Server::with(settings(limits))
}

fn settings(limits: &[(&'static str, &str)]) -> Settings {
    limits.iter().map(|(name, value)| (*name, json!(value))).collect()
}

fn login(server: &Server, name: &str, password: &str) -> Answer {
    server.post("/auth/login", json!({"username": name, "password": password}))
}

/// A login with a wrong password that says where it comes from.
fn login_from(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let call = headers.iter().fold(server.call("POST", "/auth/login"), |call, (name, value)| call.header(name, value));
    call.json(json!({"username": "nobody", "password": WRONG})).send()
}

/// Checks a 429, and gives the seconds after which to come back.
#[track_caller]
fn too_many(answer: Answer) -> i64 {
    let answer = answer.expect_error(429, "too_many_requests");
    let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
    let seconds: i64 = seconds.expect("Retry-After in seconds");
    assert!(seconds >= 1 && answer.text_at("detail").contains(&seconds.to_string()));
    seconds
}

#[test]
fn the_31st_login_of_a_minute_from_one_address_waits() {
    let server = Server::start();
    server.user("ada");
    for attempt in 0..30 {
        let name = format!("nobody-{attempt}");
        if attempt % 2 == 0 {
            login(&server, &name, WRONG).expect_error(401, "invalid_credentials");
        } else {
            login(&server, "ada", PASSWORD).expect(200);
        }
    }
    let wait = too_many(login(&server, "ada", PASSWORD));
    assert_eq!(wait, 2);
    server.advance(wait - 1);
    too_many(login(&server, "ada", PASSWORD));
    server.advance(1);
    login(&server, "ada", PASSWORD).expect(200);
    too_many(login(&server, "ada", PASSWORD));
    server.advance(60);
    for _ in 0..30 {
        login(&server, "ada", PASSWORD).expect(200);
    }
    too_many(login(&server, "ada", PASSWORD));
}

#[test]
fn a_refused_login_hashes_nothing_and_is_not_counted_again() {
    let server = with(&[("login_rate_per_ip", "2/1m")]);
    server.user("ada");
    for _ in 0..2 {
        login(&server, "ada", WRONG).expect_error(401, "invalid_credentials");
    }
    for _ in 0..50 {
        assert_eq!(too_many(login(&server, "ada", PASSWORD)), 30);
    }
    assert_eq!(server.count("select count(*) from audit_events where event = 'login_failed'"), 2);
    // What never got so far as to be tried does not count.
    let server = with(&[("login_rate_per_ip", "1/1m")]);
    server.user("ada");
    for body in [json!({}), json!({"username": "ada"}), json!([])] {
        server.post("/auth/login", body).expect_error(422, "invalid_request");
    }
    login(&server, "ada", PASSWORD).expect(200);
}

#[test]
fn a_forwarded_address_is_believed_from_a_trusted_proxy_only() {
    let mut settings = settings(&[("login_rate_per_ip", "3/1m"), ("login_failures_per_account", "0")]);
    settings.push(("trusted_proxies", json!(["10.0.0.0/8"])));
    let server = Server::with(settings);
    let spoofed: [&[(&str, &str)]; 3] = [
        &[("X-Forwarded-For", "203.0.113.1")],
        &[("X-Forwarded-For", "10.0.0.1, 203.0.113.2"), ("X-Real-IP", "203.0.113.3")],
        &[("Forwarded", "for=203.0.113.4"), ("Client-IP", "203.0.113.5")],
    ];
    for headers in spoofed {
        login_from(&server, headers).expect_error(401, "invalid_credentials");
    }
    for header in ["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"] {
        too_many(login_from(&server, &[(header, "203.0.113.9")]));
    }
    assert_eq!(server.count("select count(*) from audit_events where ip <> '127.0.0.1'"), 0);
}

#[test]
fn behind_a_trusted_proxy_each_client_has_an_allowance() {
    let mut settings = settings(&[("login_rate_per_ip", "1/1m"), ("login_failures_per_account", "0")]);
    settings.push(("trusted_proxies", json!(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])));
    let server = Server::with(settings);
    let from = |addresses: &[&str]| {
        let headers: Vec<_> = addresses.iter().map(|address| ("X-Forwarded-For", *address)).collect();
        login_from(&server, &headers)
    };
    // Each row is one client, however the request comes.
    let clients: [&[&[&str]]; 8] = [
        &[&["203.0.113.1"], &["203.0.113.1"], &["::ffff:203.0.113.1"], &["198.51.100.7, 203.0.113.1"]],
        &[
            &["203.0.113.2"],
            &["203.0.113.2, 10.0.0.5"],
            &["203.0.113.2, 10.1.1.1, 10.0.0.5"],
            &["203.0.113.2, fd00::1"],
        ],
        &[&["203.0.113.3"], &["198.51.100.1", "203.0.113.3"], &["203.0.113.3", "10.0.0.9"], &[" 203.0.113.3 "]],
        // An IPv6 customer has a /64.
        &[
            &["2001:db8:1:2::1"],
            &["2001:db8:1:2::2"],
            &["2001:db8:1:2:ffff:ffff:ffff:ffff"],
            &["2001:0db8:0001:0002::5"],
        ],
        &[&["2001:db8:1:3::1"], &["2001:db8:1:3:a::1"]],
        // What can't be read is taken for the proxy in front of it.
        &[&[], &["unknown"], &[""], &["203.0.113.8, garbage"], &["203.0.113.8, _hidden"], &["' or 1=1 --"]],
        &[&["203.0.113.4"], &["garbage, 203.0.113.4"], &["127.0.0.1, 203.0.113.4"], &["10.0.0.1,203.0.113.4"]],
        &[&["10.0.0.77"], &["10.0.0.77, 10.0.0.5"]],
    ];
    for rows in clients {
        for (at, addresses) in rows.iter().enumerate() {
            let answer = from(addresses);
            let expected = if at == 0 { 401 } else { 429 };
            assert_eq!(answer.status, expected, "{addresses:?} in {rows:?}");
        }
    }
    let many = vec!["10.0.0.1"; 50].join(",");
    assert_eq!(from(&["203.0.113.50", &many]).status, 401);
    // Only the address is stored, not what a client wrote before it.
    assert_eq!(server.count("select count(*) from audit_events where ip like '198.51.100.%'"), 0);
    assert_eq!(server.count("select count(*) from audit_events where ip = '203.0.113.4'"), 1);
}

#[test]
fn after_ten_wrong_passwords_an_account_waits_even_for_the_right_one() {
    let server = with(&[("login_rate_per_ip", "0")]);
    server.user("ada");
    server.user("bob");
    // A person's two names and nobody's look the same, in every spelling.
    let accounts = [
        ["ada", "ADA", " ada ", "Ada", "aDa"],
        ["ada@example.com", "Ada@Example.com", " ada@example.com ", "ada@EXAMPLE.com", "ADA@example.com"],
        ["nobody", "NOBODY", " nobody", "Nobody", "nObOdY"],
        ["nobody@example.com", "NOBODY@example.com", " nobody@example.com", "Nobody@example.com", "nobody@Example.com"],
    ];
    let answers: Vec<Vec<(u16, Value)>> = accounts
        .iter()
        .map(|spellings| {
            let answer = |attempt: usize| login(&server, spellings[attempt % 5], WRONG);
            (0..14)
                .map(|attempt| {
                    let answer = answer(attempt);
                    (answer.status, json!([answer.body["error"], answer.body["detail"], answer.header("retry-after")]))
                })
                .collect()
        })
        .collect();
    for others in &answers[1..] {
        assert_eq!(&answers[0], others);
    }
    let statuses: Vec<u16> = answers[0].iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 4]].concat());
    let wait = too_many(login(&server, "ada", PASSWORD));
    assert_eq!(wait, 90);
    login(&server, "bob", PASSWORD).expect(200);
    server.advance(wait - 1);
    too_many(login(&server, "ada", PASSWORD));
    server.advance(1);
    login(&server, "ada", PASSWORD).expect(200);
    // The right one is no failure: it may come as often as it likes.
    for _ in 0..5 {
        login(&server, "ada", PASSWORD).expect(200);
    }
    login(&server, "ada", WRONG).expect_error(401, "invalid_credentials");
    too_many(login(&server, "ada", PASSWORD));
}

#[test]
fn right_passwords_are_never_counted() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "3/1h")]);
    let ada = server.user("ada");
    for _ in 0..10 {
        ada.login();
    }
    for _ in 0..3 {
        login(&server, "ada", PASSWORD).expect(200);
        login(&server, "ada", WRONG).expect_error(401, "invalid_credentials");
    }
    too_many(login(&server, "ada", PASSWORD));
}

#[test]
fn a_stranger_can_not_lock_the_owner_out_of_a_known_device() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "3/1h")]);
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let (session, foreign) = (ada.login(), bob.login());
    for _ in 0..3 {
        login(&server, "ada", WRONG).expect_error(401, "invalid_credentials");
    }
    too_many(login(&server, "ada", PASSWORD));
    // A stranger's device, or one that nobody knows, has no allowance.
    for device in [foreign.device_id.as_str(), "x", &"a".repeat(43)] {
        too_many(ada.try_login(json!({"device_id": device})));
    }
    let again = ada.login_with(json!({"device_id": session.device_id}));
    // On the device there is a limit as well, and only there.
    let wrong = |session: &Session<'_>| {
        let body = json!({"username": "ada", "password": WRONG, "device_id": session.device_id});
        server.post("/auth/login", body)
    };
    for _ in 0..3 {
        wrong(&again).expect_error(401, "invalid_credentials");
    }
    too_many(wrong(&again));
    too_many(ada.try_login(json!({"device_id": session.device_id})));
    assert!(again.is_accepted());
}

#[test]
fn a_stranger_can_not_keep_the_owner_from_proving_the_password() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "3/1h")]);
    let session = server.user("ada").login();
    for _ in 0..3 {
        login(&server, "ada", WRONG).expect_error(401, "invalid_credentials");
    }
    session.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    let body = json!({"current_password": PASSWORD, "new_password": "seven lighthouses in the fog"});
    session.post("/users/me/password", body).expect(200);
}

#[test]
fn registrations_from_one_address_are_limited() {
    let server = with(&[("register_rate_per_ip", "2/1h")]);
    let register = |name: &str| {
        let call = server.call("POST", "/auth/register").header("X-Forwarded-For", "203.0.113.1");
        call.json(json!({"username": name, "password": PASSWORD})).send()
    };
    // What is no registration at all is not counted; a name that is taken is, or names could be tried.
    server.post("/auth/register", json!({"username": "ada"})).expect_error(422, "invalid_request");
    register("ada").expect(201);
    register("ada").expect_error(409, "already_exists");
    let wait = too_many(register("bob"));
    assert_eq!(wait, 1800);
    server.post("/auth/register", json!({"username": "eve", "password": PASSWORD})).expect(201);
    server.advance(wait - 1);
    too_many(register("bob"));
    server.advance(1);
    register("bob").expect(201);
    too_many(register("carol"));
    assert_eq!(server.count("select count(*) from users"), 3);
}

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
    // The refusal cost the session nothing.
    let fourth = third.refreshed();
    assert!(fourth.is_accepted());
    too_many(fourth.try_refresh());
}

#[test]
fn a_refresh_limit_holds_under_a_flood() {
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
    assert_eq!(server.count("select max(generation) from sessions"), 6);
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

#[test]
fn a_limit_of_zero_is_none() {
    let server = with(&[
        ("login_rate_per_ip", "0"),
        ("login_failures_per_account", "0"),
        ("register_rate_per_ip", "0"),
        ("refresh_rate_per_session", "0"),
    ]);
    let mut session = server.user("ada").login();
    for attempt in 0..70 {
        login(&server, "ada", WRONG).expect_error(401, "invalid_credentials");
        if attempt < 15 {
            let body = json!({"username": format!("user-{attempt}"), "password": PASSWORD});
            server.post("/auth/register", body).expect(201);
        }
        session = session.refreshed();
    }
    login(&server, "ada", PASSWORD).expect(200);
}

/// The three calls at which a signed-in person proves the password.
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
fn five_wrong_passwords_end_the_session_wherever_they_are_given() {
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
fn a_right_password_starts_the_count_of_wrong_ones_anew() {
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
fn wrong_proofs_count_against_the_account_across_its_sessions() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "6/1h")]);
    let ada = server.user("ada");
    for session in [ada.login(), ada.login()] {
        for _ in 0..3 {
            session.post("/auth/fresh", json!({"password": WRONG})).expect_error(401, "invalid_credentials");
        }
    }
    too_many(login(&server, "ada", PASSWORD));
}

#[test]
fn more_passwords_than_the_queue_holds_are_turned_away_unharmed() {
    let settings: Settings = vec![
        ("hash_concurrency", json!(1)),
        ("hash_queue", json!(0)),
        ("argon2_memory_kib", json!(65_536)),
        ("argon2_iterations", json!(4)),
        ("login_failures_per_account", json!("3/1h")),
    ];
    let server = Server::with(settings);
    let ada = server.user("ada");
    let session = ada.login();
    let barrier = Barrier::new(8);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let answer = ada.try_login(json!({}));
                    // A flood of logins starves nobody who has a token.
                    assert!(session.is_accepted());
                    answer
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let (right, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert!(!right.is_empty() && !refused.is_empty(), "{} were let in", right.len());
    for answer in refused {
        let answer = answer.expect_error(503, "overloaded");
        let wait = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
        assert!(wait.is_some_and(|seconds| seconds >= 1));
    }
    // Turned away is not failed.
    login(&server, "ada", PASSWORD).expect(200);
    let opened = i64::try_from(right.len()).expect("a few") + 2;
    assert!(server.count("select count(*) from sessions") == opened);
    let register = json!({"username": "bob", "password": PASSWORD});
    server.post("/auth/register", register).expect(201);
}

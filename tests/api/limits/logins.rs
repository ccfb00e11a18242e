//! The limits of logins and registrations: by address and by account.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use super::{WRONG, login_from, settings, too_many, with};
use crate::support::{Answer, PASSWORD, Server, Session, Settings};

#[test]
fn the_31st_login_within_a_minute_from_one_address_is_refused() {
    let server = Server::start();
    server.user("ada");
    for attempt in 0..30 {
        let name = format!("nobody-{attempt}");
        if attempt % 2 == 0 {
            server.try_login(&name, WRONG).expect_error(401, "invalid_credentials");
        } else {
            server.try_login("ada", PASSWORD).expect(200);
        }
    }
    let wait = too_many(server.try_login("ada", PASSWORD));
    assert_eq!(wait, 2);
    server.advance(wait - 1);
    too_many(server.try_login("ada", PASSWORD));
    server.advance(1);
    server.try_login("ada", PASSWORD).expect(200);
    too_many(server.try_login("ada", PASSWORD));
    server.advance(60);
    for _ in 0..30 {
        server.try_login("ada", PASSWORD).expect(200);
    }
    too_many(server.try_login("ada", PASSWORD));
}

#[test]
fn refused_logins_are_one_event_and_do_not_lengthen_the_wait() {
    let server = with(&[("login_rate_per_ip", "2/1m")]);
    server.user("ada");
    for _ in 0..2 {
        server.try_login("ada", WRONG).expect_error(401, "invalid_credentials");
    }
    for _ in 0..50 {
        assert_eq!(too_many(server.try_login("ada", PASSWORD)), 30);
    }
    assert_eq!(server.count_events("login_failed"), 3, "the first of the refused logins is recorded");
    // An invalid request is not counted, because no login was attempted.
    let server = with(&[("login_rate_per_ip", "1/1m")]);
    server.user("ada");
    for body in [json!({}), json!({"username": "ada"}), json!([])] {
        server.post("/auth/login", body).expect_error(422, "invalid_request");
    }
    server.try_login("ada", PASSWORD).expect(200);
}

#[test]
fn a_forwarded_address_is_accepted_from_a_trusted_proxy_only() {
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
    assert_eq!(server.count_events_from_elsewhere_than("127.0.0.1"), 0);
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
    // Each row is one client, so only its first request is within the limit.
    let clients: [&[&[&str]]; 8] = [
        &[&["203.0.113.1"], &["203.0.113.1"], &["::ffff:203.0.113.1"], &["198.51.100.7, 203.0.113.1"]],
        &[
            &["203.0.113.2"],
            &["203.0.113.2, 10.0.0.5"],
            &["203.0.113.2, 10.1.1.1, 10.0.0.5"],
            &["203.0.113.2, fd00::1"],
        ],
        &[&["203.0.113.3"], &["198.51.100.1", "203.0.113.3"], &["203.0.113.3", "10.0.0.9"], &[" 203.0.113.3 "]],
        // A limit counts the IPv6 /64, which is the network of one customer.
        &[
            &["2001:db8:1:2::1"],
            &["2001:db8:1:2::2"],
            &["2001:db8:1:2:ffff:ffff:ffff:ffff"],
            &["2001:0db8:0001:0002::5"],
        ],
        &[&["2001:db8:1:3::1"], &["2001:db8:1:3:a::1"]],
        // An entry that is not an address ends the reading. The client is then the last trusted proxy that was read, or the
        // peer.
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
    // Only the client's address is stored, not the entries that the client wrote before it.
    assert_eq!(server.count_events_from_network("198.51.100."), 0);
    assert_eq!(server.count_events_from("203.0.113.4"), 2, "a failed login, and the first refused one");
}

#[test]
fn after_ten_wrong_passwords_for_a_name_even_the_right_password_is_refused() {
    let server = with(&[("login_rate_per_ip", "0")]);
    server.user("ada");
    server.user("bob");
    // Username, email address and unknown names get the same responses, in every spelling. So the responses do not reveal
    // whether an account exists.
    let accounts = [
        ["ada", "ADA", " ada ", "Ada", "aDa"],
        ["ada@example.com", "Ada@Example.com", " ada@example.com ", "ada@EXAMPLE.com", "ADA@example.com"],
        ["nobody", "NOBODY", " nobody", "Nobody", "nObOdY"],
        ["nobody@example.com", "NOBODY@example.com", " nobody@example.com", "Nobody@example.com", "nobody@Example.com"],
    ];
    let answers: Vec<Vec<(u16, Value)>> = accounts
        .iter()
        .map(|spellings| {
            let answer = |attempt: usize| server.try_login(spellings[attempt % 5], WRONG);
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
    let wait = too_many(server.try_login("ada", PASSWORD));
    assert_eq!(wait, 90);
    server.try_login("bob", PASSWORD).expect(200);
    server.advance(wait - 1);
    too_many(server.try_login("ada", PASSWORD));
    server.advance(1);
    server.try_login("ada", PASSWORD).expect(200);
    // A correct password is not a failure, so it is not counted.
    for _ in 0..5 {
        server.try_login("ada", PASSWORD).expect(200);
    }
    server.try_login("ada", WRONG).expect_error(401, "invalid_credentials");
    too_many(server.try_login("ada", PASSWORD));
}

#[test]
fn every_spelling_of_a_name_is_counted_with_the_others() {
    let server = with(&[("login_rate_per_ip", "0")]);
    server.user("zo\u{eb}");
    for spellings in [
        // NFC, NFD, case and width, of a name with an account and of one without.
        ["zo\u{eb}", "zoe\u{308}", "ZO\u{cb}", "\u{ff5a}\u{ff4f}\u{eb}", " Zo\u{eb} "],
        ["no\u{eb}l", "noe\u{308}l", "NO\u{cb}L", "\u{ff4e}\u{ff4f}\u{eb}\u{ff4c}", "NOE\u{308}l"],
        // A domain in letters, in ASCII, in another case, and with an ideographic full stop.
        [
            "ada@b\u{fc}cher.example",
            "ada@xn--bcher-kva.example",
            "ADA@B\u{dc}CHER.EXAMPLE",
            "ada@bu\u{308}cher.example",
            "ada@b\u{fc}cher\u{3002}example",
        ],
    ] {
        for attempt in 0..10 {
            server.try_login(spellings[attempt % 5], WRONG).expect_error(401, "invalid_credentials");
        }
        for spelling in spellings {
            too_many(server.try_login(spelling, WRONG));
        }
    }
}

#[test]
fn correct_passwords_are_not_counted() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "3/1h")]);
    let ada = server.user("ada");
    for _ in 0..10 {
        ada.login();
    }
    for _ in 0..3 {
        server.try_login("ada", PASSWORD).expect(200);
        server.try_login("ada", WRONG).expect_error(401, "invalid_credentials");
    }
    too_many(server.try_login("ada", PASSWORD));
}

#[test]
fn a_stranger_can_not_lock_the_owner_out_of_a_known_device() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "3/1h")]);
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let (session, foreign) = (ada.login(), bob.login());
    for _ in 0..3 {
        server.try_login("ada", WRONG).expect_error(401, "invalid_credentials");
    }
    too_many(server.try_login("ada", PASSWORD));
    // The device of another user and an unknown device have no allowance of their own: the exhausted limit of the name applies.
    for device in [foreign.device_id.as_str(), "x", &"a".repeat(43)] {
        too_many(ada.try_login(json!({"device_id": device})));
    }
    let again = ada.login_with(json!({"device_id": session.device_id}));
    // A known device has a limit of its own. Wrong passwords on the device count only against this limit.
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
fn a_stranger_can_not_prevent_the_owner_from_proving_the_password() {
    let server = with(&[("login_rate_per_ip", "0"), ("login_failures_per_account", "3/1h")]);
    let session = server.user("ada").login();
    for _ in 0..3 {
        server.try_login("ada", WRONG).expect_error(401, "invalid_credentials");
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
    // An invalid request is not counted. A registration with a taken name is counted; otherwise a client could test without
    // limit which names exist.
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
    assert_eq!(server.count_users(), 3);
}

#[test]
fn a_limit_of_zero_is_disabled() {
    let server = with(&[
        ("login_rate_per_ip", "0"),
        ("login_failures_per_account", "0"),
        ("register_rate_per_ip", "0"),
        ("refresh_rate_per_session", "0"),
    ]);
    let mut session = server.user("ada").login();
    for attempt in 0..70 {
        server.try_login("ada", WRONG).expect_error(401, "invalid_credentials");
        if attempt < 15 {
            let body = json!({"username": format!("user-{attempt}"), "password": PASSWORD});
            server.post("/auth/register", body).expect(201);
        }
        session = session.refreshed();
    }
    server.try_login("ada", PASSWORD).expect(200);
}

#[test]
fn logins_beyond_the_hash_queue_are_refused_with_503_and_not_counted() {
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
                    // A flood of logins does not delay requests that have a token.
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
    // A login refused with 503 does not count as a wrong password.
    server.try_login("ada", PASSWORD).expect(200);
    let opened = right.len() + 2;
    assert!(server.count_sessions() == opened);
    let register = json!({"username": "bob", "password": PASSWORD});
    server.post("/auth/register", register).expect(201);
}

//! Devices: how a login recognises a device by its `device_id`, and how many devices a user may have.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use crate::support::{Actor, Answer, PASSWORD, Server, Session, fingerprints::chromium, json::with, unlimited};

// A login with a `device_id`.

#[test]
fn a_login_on_a_known_device_replaces_its_session_and_no_other() {
    let server = Server::start();
    let ada = server.user("ada");
    let (old, other) = (ada.login(), ada.login());
    assert_ne!(old.device_id, other.device_id, "a login without one gets a new one");
    assert_eq!(old.device_id.len(), 43);
    let refreshed = old.refreshed();
    assert_eq!(refreshed.device_id, old.device_id, "the same over refreshes");
    let new = ada.login_with(json!({"device_id": old.device_id}));
    assert_eq!(new.device_id, old.device_id, "and over logins");
    assert_ne!(new.id, old.id);
    old.expect_revoked();
    refreshed.expect_revoked();
    assert!(new.is_accepted() && other.is_accepted());
    assert_eq!(server.count_devices(), 2);
    assert_eq!(server.count_sessions_revoked_for("device_replaced"), 1);
}

#[test]
fn a_wrong_password_on_a_known_device_replaces_nothing() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login();
    ada.try_login(json!({"device_id": session.device_id, "password": "not the password"}))
        .expect_error(401, "invalid_credentials");
    assert!(session.is_accepted());
    session.refreshed();
}

#[test]
fn a_device_is_recognised_after_a_logout_and_after_a_restart() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login();
    session.call("POST", "/auth/logout").send().expect(200);
    let (device, again) = (session.device_id.clone(), ada.login_with(json!({"device_id": session.device_id})));
    assert_eq!(again.device_id, device);
    let access = again.access;
    let server = server.restart();
    let body = json!({"username": "ada", "password": PASSWORD, "device_id": device});
    assert_eq!(server.post("/auth/login", body).expect(200).text_at("device_id"), device);
    server.call("GET", "/users/me").bearer(&access).send().expect_error(401, "token_revoked");
}

#[test]
fn the_device_id_of_another_user_or_client_is_ignored() {
    let server = Server::with(vec![("clients.web.access_token_lifetime", "5m".into())]);
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let of_ada = ada.login();
    let of_bob = bob.login_with(json!({"device_id": of_ada.device_id}));
    let on_web = ada.login_with(json!({"device_id": of_ada.device_id, "client_id": "web"}));
    let devices = [&of_ada, &of_bob, &on_web].map(|session| session.device_id.as_str());
    assert!(devices[0] != devices[1] && devices[0] != devices[2] && devices[1] != devices[2], "{devices:?}");
    assert!([&of_ada, &of_bob, &on_web].iter().all(|session| session.is_accepted()));
    let again = ada.login_with(json!({"device_id": on_web.device_id, "client_id": "web"}));
    assert_eq!(again.device_id, on_web.device_id);
    on_web.expect_revoked();
    assert!(of_ada.is_accepted());
}

#[test]
fn a_device_id_that_names_no_device_is_ignored() {
    let server = Server::start();
    let ada = server.user("ada");
    let known = ada.login();
    let padded = format!("{}=", known.device_id);
    let upper = known.device_id.to_uppercase();
    let row = server.device_of(&ada.id);
    for odd in ["", " ", "x", &"A".repeat(43), &padded, &upper, &row, "\u{1F984}", &"x".repeat(10_000)] {
        let session = ada.login_with(json!({"device_id": odd}));
        assert_ne!(session.device_id, known.device_id, "{odd}");
        assert_ne!(session.device_id, odd);
        session.call("POST", "/auth/logout").send().expect(200);
    }
    assert!(known.is_accepted());
    ada.login_with(json!({"device_id": null}));
    for odd in [json!(7), json!(["a"]), json!({})] {
        let refused = ada.try_login(json!({"device_id": odd})).expect_error(422, "invalid_request");
        assert_eq!(refused.bad_fields(), ["device_id"]);
    }
}

#[test]
fn a_device_id_is_stored_as_a_hash_and_never_listed() {
    let server = Server::start();
    let session = server.user("ada").login();
    for path in ["/auth/active_sessions", "/users/me/export", "/users/me"] {
        assert!(!session.get(path).expect(200).text.contains(&session.device_id), "{path}");
    }
    assert_eq!(server.device_hash_length(), 32);
}

#[test]
fn a_device_has_the_name_of_its_login_or_of_its_user_agent() {
    let server = Server::start();
    server.user("ada");
    let chrome =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
    let name = |user_agent: &str, more: Value| {
        let body = with(&json!({"username": "ada", "password": PASSWORD}), more);
        let answer = server.call("POST", "/auth/login").header("User-Agent", user_agent).json(body).send().expect(200);
        let list = Session::from(&server, &answer).get("/auth/active_sessions").body;
        let shown = list.as_array().expect("a list").iter().find(|shown| shown["current"] == true).expect("its own");
        assert_eq!(shown["user_agent"], user_agent);
        shown["device_name"].clone()
    };
    assert_eq!(name(chrome, json!({})), "Chrome 156 on Linux");
    assert_eq!(name("curl/8.5.0", json!({})), "curl 8");
    assert_eq!(name("?", json!({})), Value::Null);
    assert_eq!(name(chrome, json!({"device_name": "  Ada's laptop "})), "Ada's laptop");
    let ada = Actor { server: &server, name: "ada".to_owned(), id: String::new() };
    for bad in [json!(""), json!("   "), json!("a\nb"), json!("a\u{0}"), json!("x".repeat(101)), json!(7)] {
        let refused = ada.try_login(json!({"device_name": bad})).expect_error(422, "invalid_request");
        assert_eq!(refused.bad_fields(), ["device_name"], "{bad}");
    }
}

// The limit of devices.

#[test]
fn over_the_limit_the_least_recently_used_session_is_revoked_at_once() {
    let server = Server::with(vec![("max_devices_per_user", 3.into())]);
    let ada = server.user("ada");
    let others = server.user("bob").login();
    let mut sessions = vec![];
    for _ in 0..3 {
        sessions.push(ada.login());
        server.advance(10);
    }
    // The oldest session is refreshed, so the second session is the least recently used.
    sessions[0] = sessions[0].refreshed();
    server.advance(10);
    let fourth = ada.login();
    sessions[1].expect_revoked();
    assert!(sessions[0].is_accepted() && sessions[2].is_accepted() && fourth.is_accepted() && others.is_accepted());
    server.advance(10);
    ada.login();
    sessions[2].expect_revoked();
    assert!(sessions[0].is_accepted() && fourth.is_accepted());
    assert_eq!(server.count_live_sessions_of(&ada.id), 3);
    assert_eq!(server.count_sessions_revoked_for("device_evicted"), 2);
}

#[test]
fn an_ended_session_does_not_count_as_a_device() {
    let settings = vec![("max_devices_per_user", 2.into()), ("device_limit_policy", "reject".into())];
    let server = Server::with(settings);
    let ada = server.user("ada");
    let (first, _second) = (ada.login(), ada.login());
    ada.try_login(json!({})).expect_error(403, "device_limit_reached");
    first.call("POST", "/auth/logout").send().expect(200);
    ada.login();
    ada.try_login(json!({})).expect_error(403, "device_limit_reached");
    server.advance(8 * 24 * 3600);
    ada.login();
    ada.login();
    ada.try_login(json!({})).expect_error(403, "device_limit_reached");
}

#[test]
fn a_reached_limit_is_reported_only_after_the_right_password_and_admits_a_known_device() {
    let settings = vec![("max_devices_per_user", 2.into()), ("device_limit_policy", "reject".into())];
    let server = Server::with(unlimited(settings));
    let ada = server.user("ada");
    let (first, second) = (ada.login(), ada.login());
    ada.try_login(json!({"password": "not the password"})).expect_error(401, "invalid_credentials");
    let refused = ada.try_login(json!({})).expect_error(403, "device_limit_reached");
    assert_eq!(refused.header("www-authenticate"), None);
    assert!(first.is_accepted() && second.is_accepted());
    let again = ada.login_with(json!({"device_id": first.device_id}));
    first.expect_revoked();
    assert!(again.is_accepted() && second.is_accepted());
    assert_eq!(server.count_events("device_limit_reached"), 1);
}

#[test]
fn a_refused_login_stores_no_device() {
    let settings = vec![("max_devices_per_user", 1.into()), ("device_limit_policy", "reject".into())];
    let server = Server::with(unlimited(settings));
    let ada = server.user("ada");
    ada.login();
    for _ in 0..3 {
        ada.try_login(json!({})).expect_error(403, "device_limit_reached");
    }
    assert_eq!(server.count_devices(), 1, "nobody was given their secrets");
}

#[test]
fn a_refused_login_on_a_known_device_ends_no_session() {
    let server = Server::start();
    let ada = server.user("ada");
    let sessions = [ada.login(), ada.login(), ada.login()];
    let tokens = sessions.map(|session| (session.device_id, session.access));
    let settings = vec![("max_devices_per_user", 1.into()), ("device_limit_policy", "reject".into())];
    let server = server.restart_with(settings);
    let body = json!({"username": "ada", "password": PASSWORD, "device_id": tokens[0].0});
    server.post("/auth/login", body).expect_error(403, "device_limit_reached");
    for (_, access) in &tokens {
        server.call("GET", "/users/me").bearer(access).send().expect(200);
    }
}

#[test]
fn a_lowered_limit_applies_from_the_next_login_on() {
    let server = Server::start();
    let ada = server.user("ada");
    for _ in 0..6 {
        ada.login();
    }
    let server = server.restart_with(vec![("max_devices_per_user", 2.into())]);
    server.post("/auth/login", json!({"username": "ada", "password": PASSWORD})).expect(200);
    assert_eq!(server.count_live_sessions(), 2);
}

#[test]
fn a_limit_of_zero_is_disabled() {
    let server = Server::with(unlimited(vec![("max_devices_per_user", 0.into())]));
    let ada = server.user("ada");
    let first = ada.login();
    for _ in 0..20 {
        ada.login();
    }
    assert!(first.is_accepted());
    assert_eq!(server.count_live_sessions_of(&ada.id), 21);
}

/// Sends twenty logins of one user at the same moment. Returns the response to each.
fn twenty_at_once(user: &Actor<'_>, device_id: Option<&str>) -> Vec<Answer> {
    let barrier = Barrier::new(20);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    user.try_login(json!({"device_id": device_id}))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn the_limit_is_kept_under_parallel_logins_that_evict() {
    let server = Server::with(unlimited(vec![("max_devices_per_user", 3.into())]));
    let ada = server.user("ada");
    for round in 0..100 {
        let sessions: Vec<_> = twenty_at_once(&ada, None)
            .iter()
            .map(|answer| Session::from(&server, &answer.clone().expect(200)))
            .collect();
        assert_eq!(server.count_live_sessions_of(&ada.id), 3, "round {round}");
        // This check sends twenty more requests, so it runs in every tenth round only.
        if round % 10 == 0 {
            assert_eq!(sessions.iter().filter(|session| session.is_accepted()).count(), 3, "round {round}");
        }
        server.advance(1);
    }
}

#[test]
fn the_limit_is_kept_under_parallel_logins_that_are_refused() {
    let settings = vec![("max_devices_per_user", 3.into()), ("device_limit_policy", "reject".into())];
    let server = Server::with(unlimited(settings));
    let ada = server.user("ada");
    for round in 0..100 {
        let answers = twenty_at_once(&ada, None);
        let (opened, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!((opened.len(), server.count_live_sessions_of(&ada.id)), (3, 3), "round {round}");
        refused.into_iter().for_each(|answer| drop(answer.expect_error(403, "device_limit_reached")));
        Session::from(&server, &opened[0]).call("POST", "/auth/logout_all").send().expect(200);
    }
}

#[test]
fn parallel_logins_on_one_device_leave_one_session() {
    let server = Server::with(unlimited(vec![]));
    let ada = server.user("ada");
    let device = ada.login().device_id;
    for round in 0..20 {
        for answer in twenty_at_once(&ada, Some(&device)) {
            assert_eq!(answer.expect(200).text_at("device_id"), device);
        }
        assert_eq!(server.count_live_sessions_of(&ada.id), 1, "round {round}");
    }
    assert_eq!(server.count_devices(), 1);
}

#[test]
fn a_clock_that_went_back_evicts_nobodys_newest_session() {
    let login = |server: &Server| {
        let answer = server.post("/auth/login", json!({"username": "ada", "password": PASSWORD}));
        answer.expect(200).text_at("session_id").to_owned()
    };
    let mut server = Server::with(unlimited(vec![("max_devices_per_user", 2.into())]));
    server.user("ada");
    let mut last = login(&server);
    // After a restart the stored order of use counts.
    for restarts in [false, true, false, true] {
        server.advance(-3600);
        if restarts {
            server = server.restart();
        }
        let newest = login(&server);
        assert_eq!(server.live_sessions_in_order_of_use(), [&*last, &*newest], "restarted: {restarts}");
        let newer = login(&server);
        assert_eq!(server.live_sessions_in_order_of_use(), [&*newest, &*newer], "restarted: {restarts}");
        last = newer;
    }
}

#[test]
fn the_id_of_a_device_does_not_reveal_when_it_was_made() {
    let server = Server::with(unlimited(vec![]));
    let ada = server.user("ada");
    (0..8).for_each(|_| drop(ada.login()));
    let ids = server.device_ids();
    // The id is a UUID of version 4 (RFC 9562 §5.4), which is random: it has no order and contains no time.
    assert!(ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'4'), "{ids:?}");
    assert_eq!(ids.iter().map(|id| &id[..8]).collect::<std::collections::BTreeSet<_>>().len(), 8, "{ids:?}");
}

/// Logs in as a program with this user agent and without a `device_id`.
fn login_as<'s>(server: &'s Server, agent: &str, more: &Value) -> Session<'s> {
    let mut body = json!({"username": "ada", "password": PASSWORD});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let answer = server.call("POST", "/auth/login").header("User-Agent", agent).json(body).send();
    Session::from(server, &answer.expect(200))
}

#[test]
fn a_script_that_signs_in_again_and_again_evicts_its_own_sessions() {
    let (firefox, phone) = ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Phone/1");
    let kinds = [("the same each time", false), ("the same each time", true), ("names", false), ("versions", false)];
    for (kind, refreshes) in kinds {
        let server = Server::with(unlimited(vec![("max_devices_per_user", 4.into())]));
        server.user("ada");
        let (laptop, mobile) = (login_as(&server, firefox, &json!({})), login_as(&server, phone, &json!({})));
        server.advance(60);
        let mut last = None;
        for run in 0..20 {
            let own = match kind {
                "names" => login_as(&server, "python-requests/2.32", &json!({"device_name": format!("job-{run}")})),
                "versions" => login_as(&server, &format!("ci-bot-{run}/1.0"), &json!({})),
                _ => login_as(&server, "python-requests/2.32", &json!({})),
            };
            server.advance(1);
            last = Some(if refreshes { own.refreshed() } else { own });
        }
        assert!(
            laptop.is_accepted() && mobile.is_accepted(),
            "the person's browsers stay, {kind}, refreshes: {refreshes}"
        );
        assert!(last.is_some_and(|last| last.is_accepted()));
        assert_eq!(server.count_live_sessions(), 4);
        assert_eq!(server.count_sessions_revoked_for("device_evicted"), 18);
    }
}

#[test]
fn without_a_script_the_least_recently_used_device_ends() {
    let server = Server::with(unlimited(vec![("max_devices_per_user", 3.into())]));
    server.user("ada");
    let tablet = login_as(&server, "Tablet/1", &json!({}));
    let laptop = login_as(&server, "Laptop/1", &json!({}));
    let phone = login_as(&server, "Phone/1", &json!({}));
    server.advance(60);
    let laptop = laptop.refreshed();
    // A private window of the laptop: the laptop's own session was used since its login.
    login_as(&server, "Laptop/1", &json!({}));
    assert!(!tablet.is_accepted() && laptop.is_accepted() && phone.is_accepted());
}

#[test]
fn a_script_does_not_evict_a_browser_that_only_shares_its_user_agent() {
    let server = Server::with(unlimited(vec![("max_devices_per_user", 3.into())]));
    server.user("ada");
    let bound = login_as(&server, "Same/1", &json!({"fingerprint": chromium()}));
    let named = login_as(&server, "Same/1", &json!({"device_name": "Ada's laptop"}));
    for _ in 0..5 {
        login_as(&server, "Same/1", &json!({}));
    }
    assert!(bound.is_accepted() && named.is_accepted());
}

//! The settings about revocation and rotation: which tokens a revocation invalidates, and what a refresh returns.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;
use vestibule::{
    domain::user_change::UserChange,
    domain::{Permission, password::Password},
};

use crate::support::{Actor, PASSWORD, START, Server, Session, Settings, part, unlimited};

/// Returns the setting by which a logout revokes refresh tokens only.
fn refresh_only() -> Settings {
    vec![("blacklist_strategy", "BLACKLIST_REFRESH".into())]
}

/// Returns the two settings by which access tokens outlive their session.
fn lenient() -> [Settings; 2] {
    [refresh_only(), vec![("blacklist_enabled", false.into())]]
}

#[test]
fn blacklist_both_ends_access_tokens_with_their_session() {
    let both = [vec![], vec![("blacklist_strategy", "BLACKLIST_BOTH".into()), ("blacklist_enabled", true.into())]];
    for settings in both {
        let server = Server::with(settings);
        let session = server.user("ada").login();
        session.call("POST", "/auth/logout").send().expect(200);
        session.get("/users/me").expect_error(401, "token_revoked");
        session.try_refresh().expect_error(401, "token_revoked");
    }
}

#[test]
fn blacklist_refresh_keeps_access_tokens_valid_to_their_exp_and_ends_refreshing() {
    for settings in lenient() {
        let server = Server::with(settings);
        let ada = server.user("ada");
        let ways: [fn(&Session<'_>) -> u16; 3] = [
            |session| session.call("POST", "/auth/logout").send().status,
            |session| session.call("POST", "/auth/logout_all").send().status,
            |session| session.call("DELETE", &format!("/auth/sessions/{}", session.id)).send().status,
        ];
        for end in ways {
            let session = ada.login();
            assert!([200, 204].contains(&end(&session)));
            session.try_refresh().expect_error(401, "token_revoked");
            assert!(session.is_accepted());
            server.advance(899);
            assert!(session.is_accepted(), "to the last second");
            server.advance(1);
            session.get("/users/me").expect_error(401, "token_expired");
        }
    }
}

#[test]
fn blacklist_enabled_wins_over_the_strategy() {
    let server =
        Server::with(vec![("blacklist_enabled", false.into()), ("blacklist_strategy", "BLACKLIST_BOTH".into())]);
    let session = server.user("ada").login();
    session.call("POST", "/auth/logout").send().expect(200);
    assert!(session.is_accepted());
    session.try_refresh().expect_error(401, "token_revoked");
}

#[test]
fn a_reused_token_and_a_replaced_device_end_refreshing_under_every_strategy() {
    for settings in lenient() {
        let server = Server::with(settings);
        let ada = server.user("ada");
        let first = ada.login();
        let second = first.refreshed();
        server.advance(31);
        first.try_refresh().expect_error(401, "refresh_reused");
        second.try_refresh().expect_error(401, "token_revoked");
        assert!(second.is_accepted());
        let replaced = ada.login();
        ada.login_with(json!({"device_id": replaced.device_id}));
        replaced.try_refresh().expect_error(401, "token_revoked");
        assert!(replaced.is_accepted());
    }
}

#[test]
fn a_raised_authorization_version_revokes_access_tokens_under_every_strategy() {
    for settings in lenient().into_iter().chain([vec![]]) {
        let server = Server::with(settings);
        let ada = server.user_with("ada", &["admin"], &["reports:read", "reports:write"]);
        server.user_with("root", &["admin"], &[]);

        let without = |change: UserChange| {
            let session = ada.login();
            ada.change(change);
            session.get("/users/me").expect_error(401, "token_revoked");
            session
        };
        let less = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let fewer = without(UserChange {
            permissions: vestibule::domain::user_change::ListChange::removing(less(&["reports:write"])),
            ..UserChange::default()
        });
        // The session continues with the permissions that are left.
        let fewer = fewer.refreshed();
        assert!(fewer.is_accepted());
        let held = part(&fewer.access, 1)["permissions"].clone();
        assert!(held.as_array().expect("a list").iter().all(|name| name != "reports:write"), "{held}");
        let demoted = without(UserChange {
            roles: vestibule::domain::user_change::ListChange::removing(less(&["admin"])),
            ..UserChange::default()
        })
        .refreshed();
        assert_eq!(part(&demoted.access, 1)["roles"], json!([]));

        // A permission that is added revokes no token.
        let session = ada.login();
        let more = vec![Permission::parse("reports:write").expect("a permission")];
        ada.change(UserChange {
            permissions: vestibule::domain::user_change::ListChange::adding(more),
            ..UserChange::default()
        });
        assert!(session.is_accepted());

        let disabled = without(UserChange { disabled: Some(true), ..UserChange::default() });
        disabled.try_refresh().expect_error(401, "token_revoked");
        ada.change(UserChange { disabled: Some(false), ..UserChange::default() });
        disabled.get("/users/me").expect_error(401, "token_revoked");
        disabled.try_refresh().expect_error(401, "token_revoked");
        assert!(ada.login().is_accepted());
    }
}

#[test]
fn a_changed_password_ends_older_access_tokens_under_every_strategy() {
    for settings in lenient() {
        let server = Server::with(settings);
        let ada = server.user("ada");
        let (own, other) = (ada.login(), ada.login());
        let body = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
        let changed = Session::from(&server, &own.post("/users/me/password", body).expect(200));
        assert!(changed.is_accepted());
        for older in [&own, &other] {
            older.get("/users/me").expect_error(401, "token_revoked");
        }
        other.try_refresh().expect_error(401, "token_revoked");
        // The old token is refused within the grace period too: a thief who copied the token does not know the new password.
        own.try_refresh().expect_error(401, "token_revoked");
        assert!(changed.refreshed().is_accepted());
    }
}

#[test]
fn a_deleted_account_is_refused_under_every_strategy() {
    for settings in lenient() {
        let server = Server::with(settings);
        let ada = server.user("ada");
        let (own, other) = (ada.login(), ada.login());
        own.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send().expect(204);
        let tokens = [own, other].map(|session| (session.access, session.refresh));
        let server = server.restart_with(refresh_only());
        for (access, refresh) in &tokens {
            server.call("GET", "/users/me").bearer(access).send().expect_error(401, "token_revoked");
            server.post("/auth/refresh", json!({"refresh_token": refresh})).expect_error(401, "token_revoked");
        }
    }
}

#[test]
fn calls_that_issue_tokens_or_change_data_read_the_row_of_the_session() {
    for settings in lenient() {
        let server = Server::with(settings);
        let ada = server.user("ada");
        let (over, other) = (ada.login(), ada.login());
        server.post("/auth/logout", json!({"refresh_token": over.refresh})).expect(200);
        assert!(over.is_accepted(), "what only reads goes on");
        over.get("/auth/active_sessions").expect(200);

        let change = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
        let refused = [
            over.post("/auth/fresh", json!({"password": PASSWORD})),
            over.post("/users/me/password", change),
            over.call("PATCH", "/users/me").json(json!({"username": "eve"})).send(),
            over.call("DELETE", "/users/me").json(json!({"password": PASSWORD})).send(),
            over.call("POST", "/auth/logout_all").send(),
            over.call("POST", "/auth/revoke_other_session").send(),
            over.post("/auth/revoke_other_session", json!({"refresh_token": other.refresh})),
            over.call("DELETE", &format!("/auth/sessions/{}", other.id)).send(),
            over.post("/auth/logout/device", json!({"session_id": other.id})),
        ];
        for answer in refused {
            answer.expect_error(401, "token_revoked");
        }
        let list = other.get("/auth/active_sessions").expect(200).body;
        assert_eq!(list.as_array().map(Vec::len), Some(1));
        over.post("/auth/logout/device", json!({"jti": list[0]["jti"]})).expect_error(401, "token_revoked");
        assert!(other.is_accepted());
        other.refreshed();
        assert_eq!(other.get("/users/me").body["username"], "ada");
        over.call("POST", "/auth/logout").send().expect(200);
    }
}

#[test]
fn an_evicted_device_can_not_refresh_but_read_until_its_access_token_expires() {
    let mut settings = refresh_only();
    settings.push(("max_devices_per_user", 1.into()));
    let server = Server::with(settings);
    let ada = server.user("ada");
    let evicted = ada.login();
    server.advance(1);
    ada.login();
    assert!(evicted.is_accepted());
    evicted.try_refresh().expect_error(401, "token_revoked");
    evicted.post("/auth/fresh", json!({"password": PASSWORD})).expect_error(401, "token_revoked");
}

#[test]
fn without_rotation_the_same_refresh_token_is_returned_until_it_expires() {
    let server = Server::with(vec![("rotate_refresh_tokens", false.into())]);
    let session = server.user("ada").login();
    let exp = part(&session.refresh, 1)["exp"].as_i64().expect("a number");
    assert_eq!(exp, START + 7 * 24 * 3600);
    for day in 1..7 {
        server.advance(24 * 3600);
        let answer = session.try_refresh().expect(200);
        assert_eq!(answer.text_at("refresh_token"), session.refresh);
        assert_eq!(answer.body["refresh_expires_in"], (7 - day) * 24 * 3600);
        assert_eq!(server.last_used_at(), START + day * 24 * 3600);
        let listed = Session::from(&server, &answer).get("/auth/active_sessions").body;
        assert_eq!(listed[0]["last_used_at"], format!("2027-01-{}T08:00:00Z", 15 + day));
    }
    server.advance(24 * 3600 - 1);
    let last = session.try_refresh().expect(200);
    assert_eq!(last.body["expires_in"], 1, "no access token outlives it");
    server.advance(1);
    session.try_refresh().expect_error(401, "token_expired");
    Session::from(&server, &last).get("/users/me").expect_error(401, "token_expired");
}

#[test]
fn without_rotation_a_revocation_or_a_device_mismatch_still_ends_the_session() {
    let server = Server::with(vec![("rotate_refresh_tokens", false.into())]);
    let ada = server.user("ada");
    let heavy = json!({"os": "Linux", "browser": "Firefox", "gpu": "a", "canvasPrint": "b"});
    let bound = ada.login_with(json!({"fingerprint": heavy}));
    for _ in 0..3 {
        bound.try_refresh().expect_error(401, "device_mismatch");
    }
    bound.try_refresh().expect_error(401, "token_revoked");
    let session = ada.login();
    session.refreshed();
    server.post("/auth/logout", json!({"refresh_token": session.refresh})).expect(200);
    session.try_refresh().expect_error(401, "token_revoked");
}

#[test]
fn without_rotation_a_changed_password_outdates_the_refresh_token() {
    let server = Server::with(vec![("rotate_refresh_tokens", false.into())]);
    let own = server.user("ada").login();
    let body = json!({"current_password": PASSWORD, "new_password": "another walk to the sea"});
    let changed = Session::from(&server, &own.post("/users/me/password", body).expect(200));
    assert_ne!(changed.refresh, own.refresh);
    assert_eq!(changed.refreshed().refresh, changed.refresh);
    for seconds in [0, 31] {
        server.advance(seconds);
        own.try_refresh().expect_error(401, "token_revoked");
        assert_eq!(changed.refreshed().refresh, changed.refresh);
    }
}

#[test]
fn rotation_can_be_switched_off_and_on_over_live_sessions() {
    let server = Server::start();
    let first = server.user("ada").login();
    let second = first.refreshed().refresh;
    let first = first.refresh;
    let refresh = |server: &Server, token: &str| server.post("/auth/refresh", json!({"refresh_token": token}));
    let server = server.restart_with(vec![("rotate_refresh_tokens", false.into())]);
    assert_eq!(refresh(&server, &first).expect(200).text_at("refresh_token"), second);
    assert_eq!(refresh(&server, &second).expect(200).text_at("refresh_token"), second);
    let server = server.restart_with(vec![]);
    let third = refresh(&server, &second).expect(200).text_at("refresh_token").to_owned();
    assert_ne!(third, second);
    server.advance(31);
    refresh(&server, &second).expect_error(401, "refresh_reused");
    refresh(&server, &third).expect_error(401, "token_revoked");
}

#[test]
fn without_grace_a_superseded_token_ends_the_session_at_once() {
    let server = Server::with(vec![("refresh_reuse_grace", "0s".into())]);
    let first = server.user("ada").login();
    let second = first.refreshed();
    first.try_refresh().expect_error(401, "refresh_reused");
    second.try_refresh().expect_error(401, "token_revoked");
    second.get("/users/me").expect_error(401, "token_revoked");
    first.try_refresh().expect_error(401, "token_revoked");
}

#[test]
fn the_grace_period_ends_after_its_last_second() {
    let server = Server::with(vec![("refresh_reuse_grace", "600s".into())]);
    let ada = server.user("ada");
    let (kept, lost) = (ada.login(), ada.login());
    let current = kept.refreshed();
    lost.refreshed();
    server.advance(600);
    assert_eq!(kept.refreshed().refresh, current.refresh);
    server.advance(1);
    lost.try_refresh().expect_error(401, "refresh_reused");
}

/// Logs in and refreshes until `stop` is true, or until there are 5000 token pairs. Returns the tokens of each successful login
/// and refresh.
fn log_in_until_stopped<'s>(ada: &Actor<'s>, password: &str, stop: &AtomicBool) -> Vec<Session<'s>> {
    let mut got = vec![];
    while !stop.load(Ordering::SeqCst) && got.len() < 5000 {
        let answer = ada.try_login(json!({"password": password}));
        if answer.status == 200 {
            let session = Session::from(ada.server, &answer);
            let refreshed = session.try_refresh();
            got.push(session);
            got.extend((refreshed.status == 200).then(|| Session::from(ada.server, &refreshed)));
        }
    }
    got
}

/// Makes a change during concurrent logins and refreshes. Checks that all tokens that they returned are refused afterwards.
fn no_token_survives(ada: &Actor<'_>, password: &str, round: u64, change: UserChange) {
    let stop = AtomicBool::new(false);
    let got: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| log_in_until_stopped(ada, password, &stop))).collect();
        thread::sleep(Duration::from_micros(10_000 + round % 8 * 900));
        ada.change(change);
        thread::sleep(Duration::from_millis(3));
        stop.store(true, Ordering::SeqCst);
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    for session in &got {
        session.get("/users/me").expect_error(401, "token_revoked");
        session.try_refresh().expect_error(401, "token_revoked");
    }
}

#[test]
fn no_token_survives_a_disabling_that_raced_logins_and_refreshes() {
    let server = Server::with(unlimited(vec![("max_devices_per_user", 0.into())]));
    let ada = server.user("ada");
    for round in 0..40 {
        no_token_survives(&ada, PASSWORD, round, UserChange { disabled: Some(true), ..UserChange::default() });
        assert_eq!(server.count_live_sessions(), 0, "round {round}");
        ada.change(UserChange { disabled: Some(false), ..UserChange::default() });
    }
    assert!(ada.login().is_accepted());
}

#[test]
fn no_token_survives_a_new_password_that_raced_logins_and_refreshes() {
    let server = Server::with(unlimited(vec![("max_devices_per_user", 0.into())]));
    let ada = server.user("ada");
    let mut password = PASSWORD.to_owned();
    for round in 0..40 {
        let next = format!("walk number {round} to the sea");
        let change = UserChange { password: Some(Password::parse(&next).expect("one")), ..UserChange::default() };
        no_token_survives(&ada, &password, round, change);
        assert_eq!(server.count_live_sessions(), 0, "round {round}");
        password = next;
    }
}

//! Listing and ending the bearer's sessions.

use serde_json::{Value, json};

use crate::support::{PASSWORD, START, Server};

#[test]
fn the_list_contains_live_sessions_latest_use_first() {
    let server = Server::start();
    let ada = server.user("ada");
    server.user("bob").login();
    let phone = ada.login_with(json!({"device_name": "Phone"}));
    server.advance(60);
    let laptop = ada.login_with(json!({"device_name": "Laptop"}));
    server.advance(60);
    let phone = phone.refreshed();
    let list = laptop.get("/auth/active_sessions").expect(200).body;
    let shown = |field: &str| -> Vec<Value> {
        list.as_array().expect("a list").iter().map(|session| session[field].clone()).collect()
    };
    assert_eq!(shown("device_name"), ["Phone", "Laptop"]);
    assert_eq!(shown("current"), [false, true]);
    assert_eq!(shown("id"), [phone.id.as_str(), laptop.id.as_str()]);
    let fields: Vec<&String> = list[0].as_object().expect("an object").keys().collect();
    assert_eq!(
        fields,
        [
            "client_id", "created_at", "current", "device_bound", "device_name", "expires_at", "id", "ip", "jti",
            "last_used_at", "repeated_at", "repeated_ip", "user_agent"
        ]
    );
    assert_eq!((START, list[0]["created_at"].as_str()), (1_800_000_000, Some("2027-01-15T08:00:00Z")));
    assert_eq!(list[0]["last_used_at"], "2027-01-15T08:02:00Z");
    assert_eq!(list[0]["ip"], "127.0.0.1");
    server.advance(7 * 24 * 3600);
    let later = ada.login();
    assert_eq!(later.get("/auth/active_sessions").body.as_array().map(Vec::len), Some(1), "the others are over");
}

#[test]
fn a_logout_accepts_any_token_of_this_server_and_can_be_repeated() {
    let server = Server::start();
    let ada = server.user("ada");
    let by_refresh = ada.login();
    for _ in 0..2 {
        let answer = server.post("/auth/logout", json!({"refresh_token": by_refresh.refresh})).expect(200);
        assert_eq!(answer.body, json!({"detail": "Logged out"}));
    }
    by_refresh.get("/users/me").expect_error(401, "token_revoked");
    by_refresh.try_refresh().expect_error(401, "token_revoked");
    let by_access = ada.login();
    by_access.call("POST", "/auth/logout").send().expect(200);
    by_access.call("POST", "/auth/logout").send().expect(200);
    by_access.try_refresh().expect_error(401, "token_revoked");
    let rotated = ada.login();
    let current = rotated.refreshed();
    server.advance(60);
    server.post("/auth/logout", json!({"refresh_token": rotated.refresh})).expect(200);
    current.get("/users/me").expect_error(401, "token_revoked");
    let expired = ada.login();
    server.advance(8 * 24 * 3600);
    server.post("/auth/logout", json!({"refresh_token": expired.refresh})).expect(200);
    expired.call("POST", "/auth/logout").send().expect(200);
}

#[test]
fn a_logout_needs_a_token_of_this_server() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.call("POST", "/auth/logout").send().expect_error(401, "missing_token");
    server.post("/auth/logout", json!({})).expect_error(401, "missing_token");
    server.post("/auth/logout", json!({"refresh_token": "garbage"})).expect_error(401, "invalid_token");
    server.call("POST", "/auth/logout").bearer("garbage").send().expect_error(401, "invalid_token");
    let foreign = Server::start();
    let token = foreign.user("ada").login().refresh;
    server.post("/auth/logout", json!({"refresh_token": token})).expect_error(401, "invalid_token");
    assert!(session.is_accepted());
}

#[test]
fn logout_all_ends_every_session_of_the_user_and_of_nobody_else() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob").login());
    let sessions = [ada.login(), ada.login(), ada.login()];
    let answer = sessions[0].call("POST", "/auth/logout_all").send().expect(200);
    assert_eq!(answer.body["revoked"], 3);
    for session in &sessions {
        session.get("/users/me").expect_error(401, "token_revoked");
        session.try_refresh().expect_error(401, "token_revoked");
    }
    assert!(bob.is_accepted());
}

#[test]
fn revoking_the_other_sessions_keeps_the_bearers_or_the_named_session() {
    let server = Server::start();
    let ada = server.user("ada");
    let [first, second, third] = [ada.login(), ada.login(), ada.login()];
    let named = json!({"refresh_token": second.refresh});
    assert_eq!(first.post("/auth/revoke_other_session", named).expect(200).body["revoked"], 2);
    assert_eq!([&first, &second, &third].map(|session| session.is_accepted()), [false, true, false]);
    let fourth = ada.login();
    assert_eq!(fourth.call("POST", "/auth/revoke_other_session").send().expect(200).body["revoked"], 1);
    assert_eq!([&second, &fourth].map(|session| session.is_accepted()), [false, true]);
}

#[test]
fn revoking_the_other_sessions_with_an_invalid_token_ends_no_session() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob").login());
    let [first, second, over] = [ada.login(), ada.login(), ada.login()];
    server.post("/auth/logout", json!({"refresh_token": over.refresh})).expect(200);
    for (token, status, code) in [
        ("garbage", 401, "invalid_token"),
        (&bob.refresh, 401, "invalid_token"),
        (&over.refresh, 401, "token_revoked"),
        (&second.access, 401, "wrong_token_type"),
    ] {
        first.post("/auth/revoke_other_session", json!({"refresh_token": token})).expect_error(status, code);
    }
    assert!(first.is_accepted() && second.is_accepted() && bob.is_accepted());
}

#[test]
fn one_session_is_ended_by_its_id_or_its_jti_and_only_by_its_owner() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob").login());
    let [first, second, third, fourth] = [ada.login(), ada.login(), ada.login(), ada.login()];
    for id in [&*bob.id, "garbage", "00000000-0000-7000-8000-000000000000", "..%2f", &second.id.to_uppercase()] {
        first.call("DELETE", &format!("/auth/sessions/{id}")).send().expect_error(404, "not_found");
        first.post("/auth/logout/device", json!({"session_id": id})).expect_error(404, "not_found");
        first.post("/auth/logout/device", json!({"jti": id})).expect_error(404, "not_found");
    }
    assert!(bob.is_accepted());
    first.call("DELETE", &format!("/auth/sessions/{}", second.id)).send().expect(204);
    second.get("/users/me").expect_error(401, "token_revoked");
    first.call("DELETE", &format!("/auth/sessions/{}", second.id)).send().expect_error(404, "not_found");
    first.post("/auth/logout/device", json!({"session_id": third.id})).expect(204);
    third.get("/users/me").expect_error(401, "token_revoked");
    let list = first.get("/auth/active_sessions").body;
    let listed =
        list.as_array().expect("a list").iter().find(|session| session["id"] == fourth.id.as_str()).expect("listed");
    // A rotation after the list was read: the `jti` in the list still names the session.
    let fourth = fourth.refreshed();
    first.post("/auth/logout/device", json!({"jti": listed["jti"]})).expect(204);
    fourth.get("/users/me").expect_error(401, "token_revoked");
    assert_eq!(
        first.post("/auth/logout/device", json!({})).expect_error(422, "invalid_request").bad_fields(),
        ["session_id"]
    );
}

#[test]
fn a_fresh_token_needs_the_password_again() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login().refreshed();
    server.advance(100);
    let answer = session.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    assert_eq!(
        (answer.claims()["fresh"].as_bool(), answer.claims()["auth_time"].as_i64()),
        (Some(true), Some(START + 100))
    );
    assert_eq!(answer.claims()["sid"], session.id.as_str());
    let stale = session.refreshed();
    stale.call("PATCH", "/users/me").json(json!({})).send().expect_error(401, "fresh_token_required");
    server.call("PATCH", "/users/me").bearer(answer.text_at("access_token")).json(json!({})).send().expect(200);
}

#[test]
fn five_wrong_passwords_in_a_row_end_the_session() {
    let server = Server::with(vec![("login_failures_per_account", "0".into())]);
    let ada = server.user("ada");
    let (session, other) = (ada.login(), ada.login());
    let wrong = || session.post("/auth/fresh", json!({"password": "not the password"}));
    for _ in 0..4 {
        wrong().expect_error(401, "invalid_credentials");
    }
    session.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
    for _ in 0..5 {
        wrong().expect_error(401, "invalid_credentials");
    }
    wrong().expect_error(401, "token_revoked");
    assert!(other.is_accepted());
}

#[test]
fn revocations_survive_a_restart() {
    let server = Server::start();
    let ada = server.user("ada");
    let (out, stays) = (ada.login(), ada.login());
    out.call("POST", "/auth/logout").send().expect(200);
    let (out, stays) = (out.access, stays.access);
    let server = server.restart();
    server.call("GET", "/users/me").bearer(&out).send().expect_error(401, "token_revoked");
    server.call("GET", "/users/me").bearer(&stays).send().expect(200);
}

#[test]
fn a_raised_authorization_version_is_kept_for_tokens_with_an_earlier_longer_lifetime() {
    let server = Server::with(vec![("access_token_lifetime", "6d".into())]);
    let ada = server.user("ada");
    let (access, id) = (ada.login().access, ada.id.clone());
    let server = server.restart_with(vec![("access_token_lifetime", "15m".into())]);
    let ada = crate::support::Actor { server: &server, name: "ada".to_owned(), id };
    ada.change(vestibule::domain::user_change::UserChange {
        password: Some(vestibule::domain::password::Password::parse("another walk to the sea").expect("a password")),
        ..Default::default()
    });
    server.advance(5 * 24 * 3600);
    crate::support::wait_for(vestibule::flows::sweep::sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
    let server = server.restart();
    server.call("GET", "/users/me").bearer(&access).send().expect_error(401, "token_revoked");
}

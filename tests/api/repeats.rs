//! Repeats of a superseded refresh token within the grace: who gets them, how many, and what the operator and the user see of
//! them; and what remains of the access tokens that they give.

use serde_json::json;

use crate::support::{Answer, PASSWORD, Server, Session, fingerprints::chromium, unlimited};

/// Sends a refresh with the secret of the device.
fn refresh_with_device(session: &Session<'_>) -> Answer {
    let body = json!({"refresh_token": session.refresh, "device_id": session.device_id});
    session.server.post("/auth/refresh", body)
}

/// Sends a refresh from another address, with another user agent if `agent` is not the usual one.
pub(crate) fn refresh_from(session: &Session<'_>, ip: &str, agent: &str) -> Answer {
    session
        .server
        .call("POST", "/auth/refresh")
        .header("X-Forwarded-For", ip)
        .header("User-Agent", agent)
        .json(json!({"refresh_token": session.refresh}))
        .send()
}

#[test]
fn a_token_rotated_with_the_devices_secret_is_repeated_only_with_it() {
    let server = Server::start();
    let ada = server.user("ada");
    let (first, other) = (ada.login(), ada.login());
    let second = Session::from(&server, &refresh_with_device(&first).expect(200));

    let refused = first.try_refresh().expect_error(401, "invalid_token");
    assert_eq!(refused.body["reason"], "device");
    for wrong in [&other.device_id, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "not one", ""] {
        let body = json!({"refresh_token": first.refresh, "device_id": wrong});
        server.post("/auth/refresh", body).expect_error(401, "invalid_token");
    }
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", first.refresh.as_str())];
    server.form("/token", &form).expect_oauth_error(400, "invalid_grant");
    form.push(("device_id", &first.device_id));
    let at_token = server.form("/token", &form).expect(200);
    assert_eq!(at_token.text_at("refresh_token"), second.refresh);

    // A client with the secret gets the current token again, and nothing was revoked.
    assert_eq!(refresh_with_device(&first).expect(200).text_at("refresh_token"), second.refresh);
    assert!(second.is_accepted());
    assert_eq!(server.highest_generation(), 2);
    assert_eq!(server.count_events("refresh_repeated"), 1, "the refusals of a minute are one event");
    assert!(server.event_detail("refresh_repeated", &first.id).contains(r#""refused":"device_id""#));
    assert_eq!(server.count_events("refresh_reused"), 0);
}

#[test]
fn a_rotation_without_the_secret_is_repeated_as_before_and_each_rotation_counts_for_itself() {
    let server = Server::start();
    let first = server.user("ada").login();
    let second = first.refreshed();
    assert_eq!(first.refreshed().refresh, second.refresh);
    let third = Session::from(&server, &refresh_with_device(&second).expect(200));
    // The rotation of the first token did not bring the secret; that of the second did.
    assert_eq!(first.refreshed().refresh, third.refresh);
    second.try_refresh().expect_error(401, "invalid_token");
    let (of_first, of_second) = (json!({"refresh_token": first.refresh}), json!({"refresh_token": second.refresh}));
    let server = server.restart();
    server.post("/auth/refresh", of_first).expect(200);
    server.post("/auth/refresh", of_second).expect_error(401, "invalid_token");
}

#[test]
fn a_browser_always_brings_the_secret_and_a_thief_of_its_refresh_cookie_does_not() {
    let server = Server::start();
    let answer = server.user("ada").try_login(json!({"transport": "cookie"})).expect(200);
    let csrf = answer.text_at("csrf_token").to_owned();
    let cookie = |name: &str, answer: &Answer| format!("{name}={}", answer.cookie(name).expect("it is set"));
    let refresh = |cookies: &[String]| {
        let call = server.call("POST", "/auth/refresh").header("Cookie", &cookies.join("; "));
        call.header("X-CSRF-Token", &csrf).body("application/json", "{}").send()
    };
    let (old, device) = (cookie("refresh_token", &answer), cookie("device_id", &answer));
    let csrf_cookie = format!("csrf_token={csrf}");
    let rotated = refresh(&[old.clone(), device.clone(), csrf_cookie.clone()]).expect(200);

    let stolen = refresh(&[old.clone(), csrf_cookie.clone()]).expect_error(401, "invalid_token");
    assert_eq!(stolen.header("set-cookie"), None, "no cookie is touched");
    let repeated = refresh(&[old, device, csrf_cookie]).expect(200);
    assert_eq!(repeated.cookie("refresh_token"), rotated.cookie("refresh_token"));
}

#[test]
fn a_repeat_from_elsewhere_is_an_event_and_is_shown_in_the_list() {
    let server = Server::start();
    let first = server.user("ada").login();
    let second = Session::from(&server, &refresh_from(&first, "192.0.2.1", "Laptop/1").expect(200));
    let listed = || second.get("/auth/active_sessions").expect(200).body[0].clone();

    refresh_from(&first, "192.0.2.1", "Laptop/1").expect(200);
    assert_eq!(server.count_events("refresh_repeated"), 0, "a second tab is not elsewhere");
    assert_eq!((&listed()["repeated_at"], &listed()["repeated_ip"]), (&json!(null), &json!(null)));

    for _ in 0..5 {
        refresh_from(&first, "203.0.113.66", "Laptop/1").expect(200);
    }
    assert_eq!(server.count_events("refresh_repeated"), 1, "once a minute");
    let detail = server.event_detail("refresh_repeated", &first.id);
    assert!(detail.contains("192.0.2.1") && server.count_events_from("203.0.113.66") == 1, "{detail}");
    assert_eq!(listed()["repeated_ip"], "203.0.113.66");
    assert_eq!(listed()["repeated_at"], "2027-01-15T08:00:00Z");
    assert_eq!(listed()["ip"], "192.0.2.1", "the session was last used by its own browser");

    // A minute later, in a new grace, another program at the same address.
    server.advance(60);
    let third = Session::from(&server, &refresh_from(&second, "192.0.2.1", "Laptop/1").expect(200));
    refresh_from(&second, "192.0.2.1", "curl/8").expect(200);
    assert_eq!(server.count_events("refresh_repeated"), 2);
    assert!(third.is_accepted());
    let page_shows = third.get("/users/me/export").expect(200).body["sessions"][0]["repeated_ip"].clone();
    assert_eq!(page_shows, "192.0.2.1");
}

#[test]
fn a_repeat_from_the_same_place_commits_nothing() {
    let server = Server::start();
    let first = server.user("ada").login();
    refresh_from(&first, "192.0.2.1", "Laptop/1").expect(200);
    let last_write = server.last_write();
    for _ in 0..3 {
        refresh_from(&first, "192.0.2.1", "Laptop/1").expect(200);
    }
    assert_eq!(server.last_write(), last_write);
}

#[test]
fn a_repeat_of_a_thief_is_not_hidden_by_one_of_the_owner_and_many_addresses_do_not_fill_the_log() {
    let server = Server::start();
    let first = server.user("ada").login();
    let second = Session::from(&server, &refresh_from(&first, "192.0.2.1", "Laptop/1").expect(200));
    // In one grace: the owner, who has changed to another network, and a thief.
    for ip in ["192.0.2.2", "203.0.113.66", "192.0.2.2", "203.0.113.66"] {
        refresh_from(&first, ip, "Laptop/1").expect(200);
    }
    assert_eq!((server.count_events_from("192.0.2.2"), server.count_events_from("203.0.113.66")), (1, 1));
    assert_eq!(second.get("/auth/active_sessions").expect(200).body[0]["repeated_ip"], "203.0.113.66");
    for host in 0..50 {
        refresh_from(&first, &format!("198.51.100.{host}"), "Laptop/1").expect(200);
    }
    assert_eq!(server.count_events("refresh_repeated"), 10);
}

#[test]
fn repeats_of_a_session_are_limited_to_six_hundred_a_minute() {
    let server = Server::with(vec![("login_rate_per_ip", "0".into())]);
    let ada = server.user("ada");
    let (first, other) = (ada.login(), ada.login());
    first.refreshed();
    other.refreshed();
    let granted = (0..620).map(|_| first.try_refresh().status).take_while(|status| *status == 200).count();
    assert_eq!(granted, 600);
    let refused = first.try_refresh().expect_error(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("1"));
    other.try_refresh().expect(200);
    server.advance(1);
    first.try_refresh().expect(200);
    assert_eq!(server.count_events("limit_reached"), 1);
}

#[test]
fn repeats_are_not_limited_where_refreshes_are_not() {
    let server = Server::with(vec![("refresh_rate_per_session", "0".into())]);
    let first = server.user("ada").login();
    first.refreshed();
    assert!((0..650).all(|_| first.try_refresh().status == 200));
}

/// Revokes an access token at the endpoint of RFC 7009.
fn revoke(server: &Server, token: &str) {
    server.form("/auth/revoke", &[("token", token)]).expect(200);
}

#[test]
fn what_is_kept_of_revoked_access_tokens_is_bounded_by_sessions() {
    let server = Server::with(unlimited(Vec::new()));
    let ada = server.user("ada");
    let (first, other) = (ada.login(), ada.login());
    let second = first.refreshed();
    let minted: Vec<Session<'_>> = (0..120)
        .map(|at| {
            if at % 12 == 0 {
                server.advance(1);
            }
            first.refreshed()
        })
        .collect();
    let events_before = server.count_audit_events();
    for (at, token) in minted.iter().enumerate() {
        revoke(&server, &token.access);
        assert!(!token.is_accepted(), "token {at}");
        if at < 16 {
            assert!(minted[at + 1].is_accepted() && second.is_accepted(), "the first 16 are revoked alone");
        }
    }
    assert_eq!(server.count_changes("token_revoked"), 16);
    assert_eq!(server.count_changes("session_tokens_revoked"), 1);
    assert_eq!(server.count_audit_events(), events_before + 16);
    second.get("/users/me").expect_error(401, "token_revoked");
    assert!(other.is_accepted(), "another session is not concerned");

    // The session continues with the tokens that come later.
    server.advance(1);
    let later = second.refreshed();
    assert!(later.is_accepted());
    let (id, accesses) =
        (later.refresh.clone(), [minted[3].access.clone(), minted[90].access.clone(), later.access.clone()]);
    let server = server.restart();
    let status = |token: &str| server.call("GET", "/users/me").bearer(token).send().status;
    assert_eq!(accesses.each_ref().map(|token| status(token)), [401, 401, 200], "across a restart");
    server.post("/auth/refresh", json!({"refresh_token": id})).expect(200);
}

#[test]
fn single_revocations_stay_in_force_when_their_session_is_revoked_under_blacklist_refresh() {
    let server = Server::with(unlimited(vec![("blacklist_strategy", "BLACKLIST_REFRESH".into())]));
    let first = server.user("ada").login();
    let second = first.refreshed();
    let minted: Vec<Session<'_>> = (0..20).map(|_| first.refreshed()).collect();
    minted.iter().for_each(|token| revoke(&server, &token.access));
    server.advance(1);
    let later = first.refreshed();
    later.post("/auth/logout_all", json!({})).expect(200);
    assert!(later.is_accepted(), "it lives to its end");
    assert!(minted.iter().all(|token| !token.is_accepted()) && !second.is_accepted());
}

#[test]
fn a_refused_repeat_does_not_reset_the_count_of_mismatches() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let with_device = json!({"refresh_token": first.refresh, "device_id": first.device_id, "fingerprint": chromium()});
    let second = Session::from(&server, &server.post("/auth/refresh", with_device).expect(200));
    for _ in 0..2 {
        second.try_refresh().expect_error(401, "device_mismatch");
        // A thief of the superseded token, without the secret of the device: the first is recorded, the others are not.
        for _ in 0..3 {
            first.try_refresh().expect_error(401, "invalid_token");
        }
    }
    assert_eq!(server.mismatches(), 2);
    second.try_refresh().expect_error(401, "device_mismatch");
    second.try_refresh().expect_error(401, "token_revoked");
}

#[test]
fn a_refresh_without_the_devices_secret_does_not_learn_it_once_the_client_has_sent_it() {
    let server = Server::start();
    let ada = server.user("ada");
    let first = ada.login();
    let second = Session::from(&server, &refresh_with_device(&first).expect(200));
    assert_eq!(second.device_id, first.device_id, "the client that sends it gets it");
    // A thief of the current token rotates it, and rotates and repeats what they get.
    let stolen = server.post("/auth/refresh", json!({"refresh_token": second.refresh})).expect(200);
    assert!(stolen.body["device_id"].is_null(), "{}", stolen.body);
    let again = server.post("/auth/refresh", json!({"refresh_token": stolen.text_at("refresh_token")})).expect(200);
    assert!(again.body["device_id"].is_null(), "{}", again.body);
    let repeated = server.post("/auth/refresh", json!({"refresh_token": stolen.text_at("refresh_token")})).expect(200);
    assert!(repeated.body["device_id"].is_null(), "{}", repeated.body);
    // A login on the known device is told it.
    let body = json!({"username": "ada", "password": PASSWORD, "device_id": first.device_id});
    assert_eq!(server.post("/auth/login", body).expect(200).text_at("device_id"), first.device_id);
}

#[test]
fn a_refused_repeat_does_not_hide_a_granted_one_and_is_limited_like_it() {
    let server = Server::start();
    let first = server.user("ada").login();
    let second = Session::from(&server, &refresh_with_device(&first).expect(200));
    first.try_refresh().expect_error(401, "invalid_token");
    let granted = json!({"refresh_token": first.refresh, "device_id": first.device_id});
    server.call("POST", "/auth/refresh").header("X-Forwarded-For", "203.0.113.9").json(granted).send().expect(200);
    assert_eq!(server.count_events("refresh_repeated"), 2);
    let statuses: Vec<u16> = (0..605).map(|_| first.try_refresh().status).collect();
    assert!(statuses.contains(&401) && statuses.ends_with(&[429]), "past 600 a minute");
    assert_eq!(server.count_events("refresh_repeated"), 2);
    assert!(second.is_accepted());
}

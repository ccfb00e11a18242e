//! The validity of tokens: in time, at another server, and after a restart.

use serde_json::json;

use super::{me, refused, with_known_key};
use crate::support::{PASSWORD, Server};

#[test]
fn a_token_expires_in_the_second_of_its_exp() {
    let server = Server::start();
    let session = server.user("ada").login();
    server.advance(899);
    session.get("/users/me").expect(200);
    server.advance(1);
    let answer = session.get("/users/me").expect_error(401, "token_expired");
    assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.contains(r#"error="invalid_token""#)));
    // The clock is set back. Before its `nbf` a token is invalid, except in the two seconds before it, because clocks may
    // differ.
    server.advance(-903);
    session.get("/users/me").expect_error(401, "invalid_token");
    for _ in 0..3 {
        server.advance(1);
        session.get("/users/me").expect(200);
    }
}

#[test]
fn the_leeway_applies_before_nbf_and_after_exp() {
    let server = Server::with(vec![("leeway", json!("10s"))]);
    let session = server.user("ada").login();
    for (moved, accepted) in [(-10, true), (-1, false), (11 + 909, true), (1, false)] {
        server.advance(moved);
        assert_eq!(session.is_accepted(), accepted, "{moved}");
    }
}

#[test]
fn a_token_of_another_server_is_refused() {
    let (here, there) = (Server::start(), Server::start());
    here.user("ada");
    let foreign = there.user("ada").login();
    refused(&here, "another key", &foreign.access);
    here.post("/auth/refresh", json!({"refresh_token": foreign.refresh})).expect_error(401, "invalid_token");
    here.post("/auth/logout", json!({"refresh_token": foreign.refresh})).expect_error(401, "invalid_token");
    here.call("POST", "/auth/logout").bearer(&foreign.access).send().expect_error(401, "invalid_token");
    // The same secrets with another issuer.
    let root = ("root_secret", json!("Wq3zT8uY5rE1oP6iK9jH2gF7dS4aL0mN"));
    let issuer = ("issuer", json!("https://other.example"));
    let (one, other) = (with_known_key(vec![root.clone()]), with_known_key(vec![root, issuer]));
    let session = other.user("ada").login();
    refused(&one, "another issuer", &session.access);
    one.post("/auth/refresh", json!({"refresh_token": session.refresh})).expect_error(401, "invalid_token");
    assert!(session.is_accepted());
}

#[test]
fn a_token_survives_a_restart_and_so_does_its_revocation() {
    let server = Server::start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let (kept, ended) = (ada.login(), bob.login());
    ended.post("/auth/logout", json!({})).expect(200);
    let (kept, ended) = (kept.access, ended.access);
    let server = server.restart();
    me(&server, &kept).expect(200);
    me(&server, &ended).expect_error(401, "token_revoked");
    server.post("/auth/login", json!({"username": "ada", "password": PASSWORD})).expect(200);
}

#[test]
fn a_clock_that_steps_back_a_second_or_two_costs_nobody_a_401() {
    for step in [1, 2] {
        let server = Server::start();
        let first = server.user("ada").login();
        let second = first.refreshed();
        let browser = crate::support::cookies::Browser::login(&server, "ada");
        server.advance(-step);
        for path in ["/users/me", "/auth/active_sessions", "/auth/verify", "/users/me/export"] {
            second.get(path).expect(200);
        }
        second.post("/auth/fresh", json!({"password": PASSWORD})).expect(200);
        assert!(browser.is_signed_in());
        browser.refresh().expect(200);
        assert_eq!(first.refreshed().refresh, second.refresh, "a repeat within the grace");
        let third = second.refreshed();
        third.get("/users/me").expect(200);
        server.advance(-step);
        third.refreshed();
    }
}

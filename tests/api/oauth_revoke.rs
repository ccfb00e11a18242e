//! `POST /auth/revoke` (RFC 7009).

use serde_json::json;

use crate::support::{
    Server,
    oauth::{basic, clients, other_secret, secret},
};

#[test]
fn the_revocation_of_a_refresh_token_ends_its_session() {
    let server = Server::start();
    let ada = server.user("ada");
    for hint in [None, Some("refresh_token"), Some("access_token"), Some("nonsense")] {
        let session = ada.login();
        let mut form = vec![("token", session.refresh.as_str())];
        form.extend(hint.map(|hint| ("token_type_hint", hint)));
        let answer = server.form("/auth/revoke", &form).expect(200);
        assert_eq!((answer.text.as_str(), answer.header("pragma")), ("{}", Some("no-cache")));
        session.get("/users/me").expect_error(401, "token_revoked");
        session.try_refresh().expect_error(401, "token_revoked");
        server.form("/auth/revoke", &form).expect(200);
    }
    assert_eq!(server.count_sessions_revoked_for("revoked_by_client"), 4);
    assert_eq!(server.count_events("session_revoked"), 4);
}

#[test]
fn the_revocation_of_an_access_token_revokes_no_other_token() {
    let server = Server::start();
    let session = server.user("ada").login();
    for hint in ["access_token", "refresh_token"] {
        let other = session.refreshed();
        server.form("/auth/revoke", &[("token", &session.access), ("token_type_hint", hint)]).expect(200);
        session.get("/users/me").expect_error(401, "token_revoked");
        other.get("/users/me").expect(200);
    }
    assert_eq!(server.count_events("token_revoked"), 1);
    assert_eq!(server.count_changes("token_revoked"), 1, "it is written down once");
    // The token is also refused after a restart.
    let access = session.access.clone();
    let server = server.restart();
    server.call("GET", "/users/me").bearer(&access).send().expect_error(401, "token_revoked");
}

#[test]
fn an_invalid_or_expired_token_is_no_error() {
    let server = Server::start();
    let session = server.user("ada").login();
    let forged = format!("{}AAAA", &session.refresh[..session.refresh.len() - 4]);
    for token in ["x", "a.b.c", "\u{e9}\0", &".".repeat(8193), &forged, &session.access[..40]] {
        assert_eq!(server.form("/auth/revoke", &[("token", token)]).expect(200).text, "{}");
    }
    session.get("/users/me").expect(200);
    server.advance(900);
    server.form("/auth/revoke", &[("token", &session.access)]).expect(200);
    assert_eq!(server.count_changes("token_revoked"), 0);
    server.form("/auth/revoke", &[]).expect_oauth_error(400, "invalid_request");
    server.form("/auth/revoke", &[("token", "")]).expect_oauth_error(400, "invalid_request");
    server.form("/auth/revoke", &[("token", "x"), ("token", "y")]).expect_oauth_error(400, "invalid_request");
}

#[test]
fn the_revocation_of_a_replaced_refresh_token_after_the_grace_ends_its_session_too() {
    let server = Server::start();
    let session = server.user("ada").login();
    let next = session.refreshed();
    server.advance(3600);
    server.form("/auth/revoke", &[("token", &session.refresh)]).expect(200);
    next.try_refresh().expect_error(401, "token_revoked");
}

#[test]
fn only_the_client_of_a_token_can_revoke_it() {
    let server = Server::with(clients());
    server.user("ada");
    let (secret, other_secret) = (secret(), other_secret());
    let tokens = server.try_backend("ada", &[]).expect(200);
    let of_web = server.try_password("ada", &[("client_id", "web")]).expect(200);
    let backend = [("client_id", "backend"), ("client_secret", &*secret)];
    let other = [("client_id", "other"), ("client_secret", &*other_secret)];
    for kind in ["access_token", "refresh_token"] {
        let revoke =
            |token: &str, client: &[(&str, &str)]| server.form("/auth/revoke", &[&[("token", token)], client].concat());
        for client in [&other[..], &[("client_id", "web")], &[]] {
            revoke(tokens.text_at(kind), client).expect_oauth_error(400, "invalid_grant");
        }
        for client in [&backend[..], &[("client_id", "default")], &[]] {
            revoke(of_web.text_at(kind), client).expect_oauth_error(400, "invalid_grant");
        }
        revoke(tokens.text_at(kind), &[("client_id", "backend")]).expect_oauth_error(401, "invalid_client");
        revoke("x", &[("client_id", "nobody")]).expect_oauth_error(401, "invalid_client");
        server.call("GET", "/users/me").bearer(tokens.text_at("access_token")).send().expect(200);
        server.call("GET", "/users/me").bearer(of_web.text_at("access_token")).send().expect(200);
    }
    let by_basic = server.call("POST", "/auth/revoke").header("Authorization", &basic("backend", &secret));
    by_basic.form(&[("token", tokens.text_at("refresh_token"))]).send().expect(200);
    server.form("/auth/revoke", &[("token", of_web.text_at("refresh_token")), ("client_id", "web")]).expect(200);
    for revoked in [&tokens, &of_web] {
        let call = server.call("GET", "/users/me").bearer(revoked.text_at("access_token"));
        call.send().expect_error(401, "token_revoked");
    }
}

#[test]
fn no_cookie_is_read() {
    let server = Server::start();
    let session = server.user("ada").login_with(json!({"device_name": "Reader"}));
    let call = server.call("POST", "/auth/revoke").header("Cookie", &format!("access_token={}", session.access));
    call.form(&[("token", "x")]).send().expect(200);
    session.get("/users/me").expect(200);
}

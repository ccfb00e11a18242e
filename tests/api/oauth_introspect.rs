//! `POST /auth/introspect` (RFC 7662): which callers may introspect a token, and what the response contains.

use serde_json::{Value, json};

use crate::support::{
    START, Server, claims,
    oauth::{basic, clients, other_secret, secret},
};

/// Returns the response for a token that is not active.
fn inactive() -> Value {
    json!({"active": false})
}

#[test]
fn the_response_describes_an_active_access_token() {
    let server = Server::with(clients());
    let ada = server.user_with("ada", &["admin"], &["posts:read"]);
    let session = ada.login();
    let said = server.introspect(&session.access);
    let token = claims(&session.access);
    assert_eq!((&said["active"], &said["token_type"]), (&json!(true), &json!("bearer")));
    assert_eq!(
        (&said["username"], &said["client_id"], &said["type"]),
        (&json!("ada"), &json!("default"), &json!("access"))
    );
    assert_eq!((&said["exp"], &said["iat"], &said["nbf"]), (&json!(START + 900), &json!(START), &json!(START)));
    for (name, value) in token.as_object().expect("claims") {
        assert_eq!(said[name], *value, "{name}");
    }
    assert_eq!(said.as_object().map(serde_json::Map::len), token.as_object().map(|token| token.len() + 2));
}

#[test]
fn a_revoked_outdated_or_expired_token_is_inactive() {
    let server = Server::with(clients());
    let ada = server.user_with("ada", &["admin"], &[]);
    let session = ada.login();
    assert_eq!(server.introspect(&session.access)["active"], true);
    // A token is inactive after its own revocation, after the end of its session, after a raise of the user's authorization
    // version, and after its expiry.
    server.form("/auth/revoke", &[("token", &session.access)]).expect(200);
    assert_eq!(server.introspect(&session.access), inactive());
    let session = session.refreshed();
    server.form("/auth/revoke", &[("token", &session.refresh)]).expect(200);
    assert_eq!((server.introspect(&session.access), server.introspect(&session.refresh)), (inactive(), inactive()));
    let stripped = server.user_with("root", &["admin"], &["posts:read"]);
    let session = stripped.login();
    let refresh = server.try_backend("root", &[]).expect(200).text_at("refresh_token").to_owned();
    stripped.change(vestibule::domain::user_change::UserChange {
        permissions: vestibule::domain::user_change::ListChange::removing(vec!["posts:read".to_owned()]),
        ..Default::default()
    });
    assert_eq!(server.introspect(&session.access), inactive());
    assert_eq!(server.introspect(&refresh)["active"], true);
    stripped.disable();
    assert_eq!(server.introspect(&refresh), inactive());
    let session = ada.login();
    server.advance(900);
    assert_eq!(server.introspect(&session.access), inactive());
    for garbage in ["x", "a.b.c", &".".repeat(8193), "\u{e9}\0", &format!("{}x", session.refresh)] {
        assert_eq!(server.introspect(garbage), inactive());
    }
}

#[test]
fn the_response_describes_a_refresh_token_to_its_client_and_does_not_use_it() {
    let server = Server::with(clients());
    let ada = server.user_with("ada", &[], &["posts:read", "posts:write"]);
    let tokens = server.try_backend("ada", &[("scope", "posts:read")]).expect(200);
    let refresh = tokens.text_at("refresh_token");
    let before = server.sum_of_uses();
    let token = claims(refresh);
    for _ in 0..3 {
        server.advance(60);
        let said = server.introspect(refresh);
        assert_eq!(said["active"], true);
        assert_eq!((&said["token_type"], &said["type"]), (&json!("refresh_token"), &json!("refresh")));
        assert_eq!((&said["scope"], &said["username"]), (&json!("posts:read"), &json!("ada")));
        assert_eq!((&said["sub"], &said["sid"]), (&json!(ada.id), &tokens.body["session_id"]));
        assert_eq!((&said["exp"], &said["iat"], &said["jti"]), (&token["exp"], &token["iat"], &token["jti"]));
        assert_eq!((&said["iss"], &said["client_id"]), (&token["iss"], &json!("backend")));
    }
    assert_eq!(server.sum_of_uses(), before);
    let (secret, other) = (secret(), basic("other", &other_secret()));
    let call = server.call("POST", "/auth/introspect").header("Authorization", &other);
    assert_eq!(call.form(&[("token", refresh)]).send().expect(200).body, inactive());
    let client = [("client_id", "backend"), ("client_secret", &*secret)];
    let form = [&[("grant_type", "refresh_token"), ("refresh_token", refresh)], &client[..]].concat();
    let next = server.form("/token", &form).expect(200);
    // A superseded token is active within the grace period. After the grace period its introspection does not end the session.
    assert_eq!(server.introspect(refresh)["active"], true);
    server.advance(31);
    assert_eq!(server.introspect(refresh), inactive());
    assert_eq!(server.introspect(next.text_at("refresh_token"))["active"], true);
    server.advance(604_800);
    assert_eq!(server.introspect(next.text_at("refresh_token")), inactive());
}

#[test]
fn a_token_of_another_audience_or_client_is_inactive() {
    let server = Server::with(clients());
    server.user("ada");
    let of_backend = server.try_backend("ada", &[]).expect(200);
    let of_web = server.try_password("ada", &[("client_id", "web")]).expect(200);
    let secret = other_secret();
    let of_other = server.try_password("ada", &[("client_id", "other"), ("client_secret", &secret)]).expect(200);
    let ask = |id: &str, secret: &str, token: &str| {
        let call = server.call("POST", "/auth/introspect").header("Authorization", &basic(id, secret));
        call.form(&[("token", token)]).send().expect(200).body
    };
    let access = |answer: &crate::support::Answer| answer.text_at("access_token").to_owned();
    // The tokens of `backend` have the audience of the server, and the tokens of `other` have their own audience.
    assert_eq!(server.introspect(&access(&of_backend))["active"], true);
    assert_eq!(server.introspect(&access(&of_web))["active"], true);
    assert_eq!(server.introspect(&access(&of_other)), inactive());
    assert_eq!(ask("other", &secret, &access(&of_other))["active"], true);
    assert_eq!(ask("other", &secret, &access(&of_web)), inactive());
    assert_eq!(server.introspect(of_web.text_at("refresh_token")), inactive());
}

#[test]
fn a_client_that_does_not_authenticate_may_not_introspect() {
    let server = Server::with(clients());
    let session = server.user("ada").login();
    let ask = |more: &[(&str, &str)]| {
        server.form("/auth/introspect", &[&[("token", session.access.as_str())], more].concat())
    };
    for more in [
        &[][..],
        &[("client_id", "web")],
        &[("client_id", "default")],
        &[("client_id", "default"), ("client_secret", "x")],
        &[("client_id", "backend")],
        &[("client_id", "backend"), ("client_secret", "x")],
        &[("client_id", "nobody")],
    ] {
        let refused = ask(more).expect_oauth_error(401, "invalid_client");
        assert!(refused.header("www-authenticate").is_some());
    }
    let call = server.call("POST", "/auth/introspect").header("Authorization", &basic("web", ""));
    let refused = call.form(&[("token", &session.access)]).send().expect_oauth_error(401, "invalid_client");
    assert_eq!(refused.header("www-authenticate"), Some(r#"Basic realm="vestibule""#));
    let right = secret();
    assert_eq!(ask(&[("client_id", "backend"), ("client_secret", &right)]).expect(200).body["active"], true);
}

#[test]
fn a_bearer_with_the_permission_may_introspect() {
    let server = Server::with(clients());
    let service = server.user_with("service", &[], &["tokens:introspect"]);
    let (asking, ada) = (service.login(), server.user("ada").login());
    let ask = |bearer: &str, token: &str| {
        server.call("POST", "/auth/introspect").bearer(bearer).form(&[("token", token)]).send()
    };
    assert_eq!(ask(&asking.access, &ada.access).expect(200).body["active"], true);
    assert_eq!(ask(&asking.access, &ada.refresh).expect(200).body["active"], true);
    let secret = other_secret();
    let foreign = server.try_password("ada", &[("client_id", "other"), ("client_secret", &secret)]).expect(200);
    assert_eq!(ask(&asking.access, foreign.text_at("access_token")).expect(200).body, inactive());
    assert_eq!(ask(&asking.access, foreign.text_at("refresh_token")).expect(200).body, inactive());

    let refused = ask(&ada.access, &ada.access).expect_oauth_error(401, "insufficient_scope");
    let challenge = r#"Bearer realm="vestibule", error="insufficient_scope", scope="tokens:introspect""#;
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
    ask("x", &ada.access).expect_oauth_error(401, "invalid_token");
    ask(&asking.refresh, &ada.access).expect_oauth_error(401, "wrong_token_type");
    let narrowed = server.try_password("service", &[("scope", "tokens:introspect")]).expect(200);
    assert_eq!(ask(narrowed.text_at("access_token"), &ada.access).expect(200).body["active"], true);
    // Two ways of authentication at once are refused.
    let both = server.call("POST", "/auth/introspect").bearer(&asking.access);
    both.form(&[("token", "x"), ("client_id", "backend"), ("client_secret", &self::secret())])
        .send()
        .expect_oauth_error(400, "invalid_request");
    asking.post("/auth/logout", json!({})).expect(200);
    ask(&asking.access, &ada.access).expect_oauth_error(401, "token_revoked");
}

#[test]
fn a_custom_claim_replaces_no_field_of_the_response() {
    let server = Server::with(clients());
    let ada = server.user("ada");
    let set_claims = json!({"active": "no", "token_type": "mac", "team": "red"});
    ada.change(vestibule::domain::user_change::UserChange {
        claims: vestibule::domain::user_change::ClaimsChange::Edit {
            set: set_claims.as_object().expect("an object").clone(),
            remove: Vec::new(),
        },
        ..Default::default()
    });
    let said = server.introspect(&ada.login().access);
    assert_eq!((&said["active"], &said["token_type"], &said["team"]), (&json!(true), &json!("bearer"), &json!("red")));
}

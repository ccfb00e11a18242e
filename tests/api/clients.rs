//! Clients: how a confidential client authenticates, where its users can log in, and what its tokens contain.

use serde_json::json;

use crate::support::{
    PASSWORD, Server,
    oauth::{basic, clients, other_secret, secret},
};

#[test]
fn a_confidential_client_authenticates_by_basic_or_by_its_form() {
    let server = Server::with(clients());
    server.user("ada");
    let form = [("username", "ada"), ("password", PASSWORD)];
    let answer = server.try_backend("ada", &[]).expect(200);
    assert_eq!(answer.claims()["client_id"], "backend");
    for header in [basic("backend", &secret()), basic("%62ackend", &secret()).replace("Basic", "bASIC ")] {
        let answer = server.call("POST", "/token").header("Authorization", &header).form(&form).send().expect(200);
        assert_eq!(answer.claims()["client_id"], "backend");
    }
    // The client's id may be repeated in the form. Only a secret in the form would be a second authentication.
    let named = server.call("POST", "/token").header("Authorization", &basic("backend", &secret()));
    named.form(&[&form[..], &[("client_id", "backend")]].concat()).send().expect(200);
}

#[test]
fn a_wrong_secret_is_an_invalid_client() {
    let server = Server::with(clients());
    server.user("ada");
    let right = secret();
    let long = "x".repeat(8192);
    let hash = server.vestibule.config.clients.get("backend").and_then(|client| client.secret_hash.clone());
    let hash = hash.expect("it is confidential").to_string();
    let with = |id: &str, secret: &str| {
        let by_form = server.try_password("ada", &[("client_id", id), ("client_secret", secret)]);
        let call = server.call("POST", "/token").header("Authorization", &basic(id, secret));
        (by_form, call.form(&[("username", "ada"), ("password", PASSWORD)]).send())
    };
    let secrets =
        ["", "x", &right[1..], &right[..42], &format!("{right} "), &other_secret(), &long, &hash, "\u{1f511}"];
    for secret in secrets {
        let (by_form, by_basic) = with("backend", secret);
        by_form.expect_oauth_error(401, "invalid_client");
        let challenge = by_basic.expect_oauth_error(401, "invalid_client");
        assert_eq!(challenge.header("www-authenticate"), Some(r#"Basic realm="vestibule""#));
    }
    for (id, secret) in
        [("nobody", "x"), ("BACKEND", &*right), ("", "x"), ("web", "x"), ("default", "x"), ("\u{e9}\0", "x")]
    {
        let (by_form, by_basic) = with(id, secret);
        by_form.expect_oauth_error(401, "invalid_client");
        by_basic.expect_oauth_error(401, "invalid_client");
    }
    // A public client has no secret, so an empty secret is accepted.
    let (by_form, by_basic) = with("web", "");
    assert_eq!(by_form.expect(200).claims()["client_id"], "web");
    assert_eq!(by_basic.expect(200).claims()["client_id"], "web");
    assert_eq!(server.count_sessions_of_client("backend"), 0);
}

#[test]
fn contradictory_or_malformed_credentials_of_a_client_are_an_invalid_request() {
    let server = Server::with(clients());
    server.user("ada");
    let secret = secret();
    for more in [
        &[("client_secret", &*secret)][..],
        &[("client_id", "backend"), ("client_secret", &secret)],
        &[("client_id", "web")],
        &[("client_secret", "x")],
    ] {
        let form = [&[("username", "ada"), ("password", PASSWORD)], more].concat();
        let call = server.call("POST", "/token").header("Authorization", &basic("backend", &secret));
        call.form(&form).send().expect_oauth_error(400, "invalid_request");
    }
    for malformed in ["Basic x", "Basic !!", "Basic YmFja2VuZA==", "Basic /////w==", "Basic Og", "Basic  "] {
        let call = server.call("POST", "/token").header("Authorization", malformed);
        let answer = call.form(&[("username", "ada"), ("password", PASSWORD)]).send();
        // `Basic` without credentials counts as absent. The request then belongs to the client `default`.
        let status = if malformed == "Basic  " { 200 } else { 400 };
        assert_eq!(answer.status, status, "{malformed}: {}", answer.text);
    }
}

#[test]
fn users_of_a_confidential_client_can_log_in_at_the_token_endpoint_only() {
    let server = Server::with(clients());
    let ada = server.user("ada");
    let answer = ada.try_login(json!({"client_id": "backend"})).expect_error(401, "invalid_client");
    assert!(answer.text_at("detail").contains("token"), "{}", answer.text);
    ada.try_login(json!({"client_id": "backend", "client_secret": secret()})).expect_error(401, "invalid_client");
    assert_eq!(server.count_sessions(), 0);
    ada.try_login(json!({"client_id": "web"})).expect(200);
    // The client's access tokens are ordinary access tokens: the API accepts them.
    let tokens = server.try_backend("ada", &[]).expect(200);
    let access = tokens.text_at("access_token");
    server.call("GET", "/users/me").bearer(access).send().expect(200);
    let fresh =
        server.call("POST", "/auth/fresh").bearer(access).json(json!({"password": PASSWORD})).send().expect(200);
    assert_eq!(fresh.claims()["client_id"], "backend");
    let refresh = json!({"refresh_token": tokens.text_at("refresh_token")});
    server.post("/auth/logout", refresh.clone()).expect(200);
    // A client can't authenticate at `/auth/refresh`.
    server.post("/auth/refresh", refresh).expect_error(401, "invalid_client");
}

#[test]
fn a_client_that_became_confidential_no_longer_refreshes_without_its_secret() {
    let server = Server::with(vec![("clients.backend.access_token_lifetime", json!("5m"))]);
    let refresh = server.user("ada").login_with(json!({"client_id": "backend"})).refresh;
    let server = server.restart_with(clients());
    server.post("/auth/refresh", json!({"refresh_token": refresh})).expect_error(401, "invalid_client");
    let secret = secret();
    let backend = [("client_id", "backend"), ("client_secret", &*secret)];
    let form = [&[("grant_type", "refresh_token"), ("refresh_token", &*refresh)], &backend[..]].concat();
    server.form("/token", &form).expect(200);
}

#[test]
fn tokens_of_a_client_have_no_permission_outside_its_scopes() {
    let mut settings = clients();
    settings.push(("clients.web.scopes", json!(["posts:read", "posts:write"])));
    settings.push(("clients.other.scopes", json!([])));
    let server = Server::with(settings);
    let ada = server.user_with("ada", &[], &["posts:read", "things:read"]);
    let claims = ada.try_login(json!({"client_id": "web"})).expect(200).claims();
    assert_eq!((&claims["permissions"], &claims["scope"]), (&json!(["posts:read"]), &json!("posts:read")));
    let answer = server.try_password("ada", &[("client_id", "web")]).expect(200);
    assert_eq!(answer.body["scope"], "posts:read");
    server
        .try_password("ada", &[("client_id", "web"), ("scope", "things:read")])
        .expect_oauth_error(400, "invalid_scope");
    let secret = other_secret();
    let other = server.try_password("ada", &[("client_id", "other"), ("client_secret", &secret)]).expect(200);
    let claims = other.claims();
    assert_eq!((&claims["permissions"], &claims["scope"]), (&json!([]), &json!("")));
    assert_eq!((&other.body["scope"], &claims["aud"]), (&json!(""), &json!("https://other.test")));
    // If the client's `scopes` change, its tokens have fewer permissions from the next refresh on.
    let refresh = ada.login_with(json!({"client_id": "web"})).refresh;
    let server = server.restart_with(vec![("clients.web.scopes", json!(["posts:write"]))]);
    let next = server.post("/auth/refresh", json!({"refresh_token": refresh})).expect(200);
    assert_eq!(next.claims()["permissions"], json!([]));
}

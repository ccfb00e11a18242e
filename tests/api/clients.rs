//! Clients: which there are, how a confidential one shows that it is one, and what its tokens say.

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
    // Its name again in the form is not another way of authenticating.
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
    // A public client has none to show.
    let (by_form, by_basic) = with("web", "");
    assert_eq!(by_form.expect(200).claims()["client_id"], "web");
    assert_eq!(by_basic.expect(200).claims()["client_id"], "web");
    assert_eq!(server.count_sessions_of_client("backend"), 0);
}

#[test]
fn a_client_that_is_named_in_two_ways_is_an_invalid_request() {
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
        // Without credentials it is no header of a client at all.
        let status = if malformed == "Basic  " { 200 } else { 400 };
        assert_eq!(answer.status, status, "{malformed}: {}", answer.text);
    }
}

#[test]
fn a_confidential_client_signs_in_at_no_other_endpoint() {
    let server = Server::with(clients());
    let ada = server.user("ada");
    let answer = ada.try_login(json!({"client_id": "backend"})).expect_error(401, "invalid_client");
    assert!(answer.text_at("detail").contains("token"), "{}", answer.text);
    ada.try_login(json!({"client_id": "backend", "client_secret": secret()})).expect_error(401, "invalid_client");
    assert_eq!(server.count_sessions(), 0);
    ada.try_login(json!({"client_id": "web"})).expect(200);
    // What its tokens are for works: they are access tokens like others.
    let tokens = server.try_backend("ada", &[]).expect(200);
    let access = tokens.text_at("access_token");
    server.call("GET", "/users/me").bearer(access).send().expect(200);
    let fresh =
        server.call("POST", "/auth/fresh").bearer(access).json(json!({"password": PASSWORD})).send().expect(200);
    assert_eq!(fresh.claims()["client_id"], "backend");
    let refresh = json!({"refresh_token": tokens.text_at("refresh_token")});
    server.post("/auth/logout", refresh.clone()).expect(200);
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
fn tokens_of_a_client_say_no_more_than_its_scopes() {
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
    // A scope that was cut meanwhile cuts tokens from the next refresh on.
    let refresh = ada.login_with(json!({"client_id": "web"})).refresh;
    let server = server.restart_with(vec![("clients.web.scopes", json!(["posts:write"]))]);
    let next = server.post("/auth/refresh", json!({"refresh_token": refresh})).expect(200);
    assert_eq!(next.claims()["permissions"], json!([]));
}

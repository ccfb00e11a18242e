//! Signing keys, the algorithms and the published key set.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use vestibule::domain::jwt::Algorithm;

use crate::support::{Server, claims, part};

/// A secret that is long enough for HS256.
const SECRET: &str = "zeWoLGCbZsm8DHykEqdjLC4tpd5CjDsT-unguessable";

/// A secret of 64 bytes. Its first 32 and 48 bytes are long enough for HS256 and HS384.
const LONG: &str = "zeWoLGCbZsm8DHykEqdjLC4tpd5CjDsT-unguessableQ7mX2vN9kB4rT6yWcHfJ";

#[test]
fn the_key_set_has_the_key_that_signs() {
    let server = Server::start();
    let token = server.user("ada").login().access;
    let answer = server.call("GET", "/.well-known/jwks.json").send().expect(200);
    let keys = answer.body["keys"].as_array().expect("a list");
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0]["kid"], part(&token, 0)["kid"]);
    assert_eq!(
        (keys[0]["kty"].as_str(), keys[0]["crv"].as_str(), keys[0]["d"].as_str()),
        (Some("EC"), Some("P-256"), None)
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let tag = answer.header("etag").expect("a tag");
    server.call("GET", "/.well-known/jwks.json").header("If-None-Match", tag).send().expect(304);
}

#[test]
fn the_keys_survive_a_restart() {
    let server = Server::start();
    let token = server.user("ada").login().access;
    let server = server.restart();
    server.call("GET", "/users/me").bearer(&token).send().expect(200);
}

#[test]
fn a_change_of_the_algorithm_logs_nobody_out() {
    let server = Server::start();
    let session = server.user("ada").login();
    let (access, refresh) = (session.access, session.refresh);
    let server = server.restart_with(vec![("algorithm", "HS256".into())]);
    server.call("GET", "/users/me").bearer(&access).send().expect(200);
    let answer = server.post("/auth/refresh", json!({"refresh_token": refresh})).expect(200);
    let newer = answer.text_at("access_token");
    assert_eq!(part(newer, 0)["alg"], "HS256");
    server.call("GET", "/users/me").bearer(newer).send().expect(200);
    let server = server.restart_with(vec![("secret_key", SECRET.into())]);
    server.call("GET", "/users/me").bearer(newer).send().expect(200);
    server.advance(24 * 3600);
    vestibule_sweep(&server);
    assert_eq!(server.count_signing_keys(), 0, "retired keys go");
}

#[test]
fn a_configured_secret_signs_and_is_not_published_or_stored() {
    let server = Server::with(vec![("secret_key", SECRET.into())]);
    let session = server.user("ada").login();
    assert_eq!(part(&session.access, 0)["alg"], "HS256");
    assert!(session.is_accepted());
    assert_eq!(server.call("GET", "/.well-known/jwks.json").send().expect(200).body, json!({"keys": []}));
    assert_eq!(server.count_signing_keys(), 0);
}

#[test]
fn tokens_of_every_algorithm_verify_through_the_key_set_alone() {
    for algorithm in Algorithm::ALL.iter().filter(|algorithm| !algorithm.is_symmetric()) {
        let server = Server::with(vec![("algorithm", algorithm.as_str().into())]);
        let session = server.user("ada").login();
        assert!(session.is_accepted() && session.refreshed().is_accepted(), "{}", algorithm.as_str());
        let header = part(&session.access, 0);
        assert_eq!(header["alg"], algorithm.as_str());
        let keys = server.call("GET", "/.well-known/jwks.json").send().expect(200).body;
        let [key] = &keys["keys"].as_array().expect("a list")[..] else { panic!("{keys}") };
        assert_eq!((&key["alg"], &key["kid"], &key["use"]), (&header["alg"], &header["kid"], &json!("sig")));
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert_eq!(key[private], json!(null));
        }
        assert_eq!(verified(&session.access, &keys), claims(&session.access), "{}", algorithm.as_str());
    }
}

#[test]
fn tokens_signed_with_a_configured_secret_verify_with_it_and_no_key_is_published() {
    for (algorithm, secret) in [("HS256", &LONG[..32]), ("HS384", &LONG[..48]), ("HS512", &LONG[..64])] {
        let server = Server::with(vec![("algorithm", algorithm.into()), ("secret_key", secret.into())]);
        let session = server.user("ada").login();
        assert!(session.is_accepted());
        assert_eq!(part(&session.access, 0)["alg"], algorithm);
        let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
        assert_eq!(decoded(&session.access, &key), claims(&session.access));
        assert_eq!(server.call("GET", "/.well-known/jwks.json").send().expect(200).body, json!({"keys": []}));
    }
    // Without a configured secret the server generates a symmetric key, which it does not publish either.
    let server = Server::with(vec![("algorithm", "HS512".into())]);
    assert!(server.user("ada").login().is_accepted());
    assert_eq!(server.call("GET", "/.well-known/jwks.json").send().expect(200).body, json!({"keys": []}));
}

#[test]
fn another_algorithm_for_the_configured_secret_logs_nobody_out() {
    let settings = |algorithm: &str| vec![("secret_key", LONG.into()), ("algorithm", algorithm.into())];
    let server = Server::with(settings("HS256"));
    let session = server.user("ada").login();
    let (access, refresh) = (session.access, session.refresh);
    let server = server.restart_with(settings("HS512"));
    server.call("GET", "/users/me").bearer(&access).send().expect(200);
    let answer = server.post("/auth/refresh", json!({"refresh_token": refresh})).expect(200);
    assert_eq!(part(answer.text_at("access_token"), 0)["alg"], "HS512");
}

#[test]
fn a_token_is_refused_under_another_algorithm_of_the_same_key() {
    let server = Server::with(vec![("algorithm", "RS256".into())]);
    let token = server.user("ada").login().access;
    for algorithm in ["RS384", "PS256", "HS256", "none", "ES256"] {
        let mut header = part(&token, 0);
        header["alg"] = algorithm.into();
        let (_, rest) = token.split_once('.').expect("parts");
        let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
        server.call("GET", "/users/me").bearer(&forged).send().expect_error(401, "invalid_token");
    }
}

/// Verifies a token as a standard client does, with the key that its `kid` names in the key set. Returns the claims.
fn verified(token: &str, keys: &Value) -> Value {
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys.clone()).expect("a key set");
    let kid = part(token, 0)["kid"].as_str().expect("a name").to_owned();
    let key = keys.find(&kid).expect("the key is in the set");
    decoded(token, &jsonwebtoken::DecodingKey::from_jwk(key).expect("a key"))
}

/// Verifies the signature of a token. Returns the claims.
fn decoded(token: &str, key: &jsonwebtoken::DecodingKey) -> Value {
    let algorithm = jsonwebtoken::decode_header(token).expect("a header").alg;
    let mut validation = jsonwebtoken::Validation::new(algorithm);
    // The token has the time of the test clock, but `jsonwebtoken` reads the system clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Value>(token, key, &validation).expect("it verifies").claims
}

/// Removes expired data, as the server does by itself every minute.
fn vestibule_sweep(server: &Server) {
    crate::support::wait_for(vestibule::flows::sweep::sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
}

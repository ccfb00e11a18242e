//! Signing keys and the key set.

use serde_json::json;

use crate::support::{Server, part};

const SECRET: &str = "zeWoLGCbZsm8DHykEqdjLC4tpd5CjDsT-unguessable";

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
fn another_algorithm_takes_over_without_logging_anybody_out() {
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
    assert_eq!(server.count("select count(*) from signing_keys"), 0, "retired keys go");
}

#[test]
fn a_given_secret_signs_and_is_not_published_or_stored() {
    let server = Server::with(vec![("secret_key", SECRET.into())]);
    let session = server.user("ada").login();
    assert_eq!(part(&session.access, 0)["alg"], "HS256");
    assert!(session.is_accepted());
    assert_eq!(server.call("GET", "/.well-known/jwks.json").send().expect(200).body, json!({"keys": []}));
    assert_eq!(server.count("select count(*) from signing_keys"), 0);
}

fn vestibule_sweep(server: &Server) {
    crate::support::wait_for(vestibule::flows::sweep::sweep(&server.vestibule, server.clock.now())).expect("it sweeps");
}

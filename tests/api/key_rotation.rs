//! The life of a signing key: it is published before it signs, is retired until its last token has expired, and is removed.

use std::{thread, time::Duration};

use serde_json::json;
use vestibule::{
    domain::{jwt::Algorithm, signing_key::SigningKey},
    flows::keys::{
        advance_keys::advance_keys,
        retire_key::{RetireError, retire_key},
        rotate_keys::{RotateError, Rotated, When, rotate_keys},
    },
    flows::steps::acting::Acting,
};

use crate::support::{Server, part, wait_for};

const RSA: &str = include_str!("../keys/rsa.pem");

/// The lifetime of an access token, in seconds.
const TOKEN: i64 = 900;

/// The time for which a key is published before it signs, in seconds.
const PUBLISHED: i64 = 600;

/// Returns the context of an operator's command at this time.
fn acting(server: &Server) -> Acting {
    Acting::operator(server.clock.now())
}

/// Makes `key` the next key, or at once the current key.
fn try_rotate(server: &Server, key: SigningKey, when: When) -> Result<Rotated, RotateError> {
    wait_for(rotate_keys(&server.vestibule, key, when, &acting(server)))
}

/// Rotates to a generated key. Panics if the rotation is refused.
fn rotate(server: &Server, algorithm: Algorithm, when: When) -> Rotated {
    try_rotate(server, SigningKey::generate(algorithm), when).expect("it rotates")
}

/// Removes a key from the key set, as the command `keys retire` does.
fn retire(server: &Server, kid: &str) -> Result<(), RetireError> {
    wait_for(retire_key(&server.vestibule, kid, &acting(server))).map(drop)
}

/// Performs the steps of the keys that are due, as the server does by itself every half second.
fn advance_in_time(server: &Server) {
    wait_for(advance_keys(&server.vestibule, &acting(server).context)).expect("the database answers");
}

/// Returns the ids of the published keys, a key that does not sign yet before the one that signs.
fn published(server: &Server) -> Vec<String> {
    let set = server.call("GET", "/.well-known/jwks.json").send().expect(200).body;
    let keys = set["keys"].as_array().expect("a list");
    keys.iter().map(|key| key["kid"].as_str().expect("a name").to_owned()).collect()
}

/// Returns the id of the key that signed a token.
fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().expect("a name").to_owned()
}

#[test]
fn a_key_is_published_ten_minutes_before_it_signs() {
    let server = Server::start();
    let ada = server.user("ada");
    let first = kid(&ada.login().access);
    let tag = server.call("GET", "/.well-known/jwks.json").send().header("etag").expect("a tag").to_owned();

    let next = rotate(&server, Algorithm::EdDsa, When::Published);
    assert_eq!(next.retired, None);
    assert_eq!(published(&server), [next.kid.clone(), first.clone()]);
    let changed = server.call("GET", "/.well-known/jwks.json").header("If-None-Match", &tag).send().expect(200);
    assert_ne!(changed.header("etag"), Some(&*tag));

    server.advance(PUBLISHED - 1);
    advance_in_time(&server);
    assert_eq!(kid(&ada.login().access), first);
    server.advance(1);
    advance_in_time(&server);
    let session = ada.login();
    assert_eq!((kid(&session.access), session.is_accepted()), (next.kid.clone(), true));
    assert_eq!(part(&session.access, 0)["alg"], "EdDSA");
    assert_eq!(published(&server), [next.kid.clone(), first.clone()], "the one before it still checks");
    assert_eq!(server.count_events_of_key("signing_key_created", &next.kid), 1);
    assert_eq!(server.count_events_of_key("signing_key_promoted", &next.kid), 1);
    assert_eq!(server.count_events_of_key("signing_key_retired", &first), 1);
}

#[test]
fn the_running_server_activates_the_next_key_by_itself() {
    let server = Server::start();
    let ada = server.user("ada");
    ada.login();
    let next = rotate(&server, Algorithm::Es256, When::Published);
    server.advance(PUBLISHED);
    let signs = || server.count_signing_keys_that_are("next") == 0;
    let mut patience = 1_000;
    while !signs() {
        patience -= 1;
        assert!(patience > 0, "the key never signed");
        thread::sleep(Duration::from_millis(20));
    }
    // The row changes a moment before the server reads the keys again.
    while kid(&ada.login().access) != next.kid {
        patience -= 1;
        assert!(patience > 0, "the key never signed");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_key_that_is_due_at_the_start_of_a_server_signs_at_once() {
    let server = Server::start();
    server.user("ada");
    let next = rotate(&server, Algorithm::Es256, When::Published);
    let server = server.restart();
    server.advance(PUBLISHED);
    let server = server.restart();
    let token = server.post("/auth/login", json!({"username": "ada", "password": crate::support::PASSWORD}));
    assert_eq!(kid(token.expect(200).text_at("access_token")), next.kid);
}

#[test]
fn a_retired_key_verifies_until_its_last_token_has_expired_and_is_then_removed() {
    let server = Server::with(vec![("leeway", 60.into())]);
    let ada = server.user("ada");
    let (early, first) = (ada.login(), published(&server).remove(0));
    server.advance(300);
    let late = ada.login();
    let rotated = rotate(&server, Algorithm::Es256, When::Now);
    assert_eq!(rotated.retired.expect("it retires").0, first);
    let newer = ada.login();
    assert_eq!(kid(&newer.access), rotated.kid);
    assert!(early.is_accepted() && late.is_accepted() && newer.is_accepted());

    server.advance(TOKEN + 60 - 1);
    advance_in_time(&server);
    assert!(late.is_accepted(), "its last second, with leeway");
    assert_eq!(published(&server), [rotated.kid.clone(), first.clone()]);
    server.advance(2 * TOKEN + 120);
    advance_in_time(&server);
    assert_eq!(published(&server), [rotated.kid]);
    assert_eq!(server.count_signing_keys(), 1);
    assert_eq!(server.count_events_of_key("signing_key_removed", &first), 1);
}

#[test]
fn a_key_that_an_operator_removes_verifies_nothing_from_that_moment() {
    let server = Server::start();
    let ada = server.user("ada");
    let stolen = ada.login();
    assert!(stolen.is_accepted(), "and is remembered as checked");
    let first = kid(&stolen.access);
    rotate(&server, Algorithm::Es256, When::Now);
    assert!(stolen.is_accepted());
    retire(&server, &first).expect("it retires");
    stolen.get("/users/me").expect_error(401, "invalid_token");
    assert!(!published(&server).contains(&first));
    assert!(stolen.refreshed().is_accepted(), "nobody is signed out");
    assert_eq!(server.count_events_of_key("signing_key_removed", &first), 1);
    assert!(matches!(retire(&server, &first), Err(RetireError::Unknown(_))));
}

#[test]
fn the_current_key_can_not_be_removed() {
    let server = Server::start();
    let session = server.user("ada").login();
    assert!(matches!(retire(&server, &kid(&session.access)), Err(RetireError::Current(_))));
    assert!(session.is_accepted());
}

#[test]
fn there_is_one_next_key_and_the_last_rotation_counts() {
    let server = Server::start();
    let first = kid(&server.user("ada").login().access);
    let dropped = rotate(&server, Algorithm::Es256, When::Published);
    server.advance(PUBLISHED - 1);
    let next = rotate(&server, Algorithm::Es384, When::Published);
    assert_eq!(next.replaced.as_ref(), Some(&dropped.kid));
    assert_eq!(published(&server), [next.kid.clone(), first.clone()]);
    server.advance(1);
    advance_in_time(&server);
    assert_eq!(published(&server), [next.kid.clone(), first.clone()], "it is published for its own ten minutes");
    // A rotation at once replaces the next key too: after a theft, that key may be stolen as well.
    let now = rotate(&server, Algorithm::Es256, When::Now);
    assert_eq!(now.replaced.as_ref(), Some(&next.kid));
    assert_eq!(published(&server), [now.kid, first]);

    let next = rotate(&server, Algorithm::Es256, When::Published);
    retire(&server, &next.kid).expect("it signed nothing yet");
    assert_eq!(published(&server).len(), 2);
    server.advance(PUBLISHED);
    advance_in_time(&server);
    assert_eq!(server.count_signing_keys_that_are("current"), 1);
}

#[test]
fn of_several_concurrent_advances_exactly_one_promotes_the_key() {
    let server = Server::start();
    server.user("ada").login();
    let next = rotate(&server, Algorithm::Es256, When::Published);
    server.advance(PUBLISHED);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| advance_in_time(&server));
        }
    });
    assert_eq!(server.count_events_of_key("signing_key_promoted", &next.kid), 1);
    assert_eq!(server.count_events("signing_key_retired"), 1);
}

#[test]
fn an_imported_key_signs_like_a_generated_key() {
    let server = Server::start();
    let ada = server.user("ada");
    ada.login();
    let key = || SigningKey::from_pem(RSA, Some(Algorithm::Ps256)).expect("a key");
    let imported = try_rotate(&server, key(), When::Now).expect("it rotates");
    let session = ada.login();
    assert_eq!((kid(&session.access), part(&session.access, 0)["alg"].clone()), (imported.kid, json!("PS256")));
    assert!(session.is_accepted());
    assert!(matches!(try_rotate(&server, key(), When::Now), Err(RotateError::Known(_))));
}

#[test]
fn a_key_of_another_algorithm_stays_until_the_setting_changes() {
    let server = Server::start();
    let first = kid(&server.user("ada").login().access);
    let rotated = rotate(&server, Algorithm::Es384, When::Now);
    let server = server.restart();
    assert_eq!(published(&server), [rotated.kid.clone(), first.clone()], "a start is no rotation");
    let server = server.restart_with(vec![("algorithm", "EdDSA".into())]);
    let keys = published(&server);
    assert_eq!(keys.len(), 3);
    let server = server.restart_with(vec![("algorithm", "EdDSA".into())]);
    assert_eq!(published(&server), keys);
}

#[test]
fn a_configured_secret_can_be_rotated_only_in_the_configuration() {
    let secret = "zeWoLGCbZsm8DHykEqdjLC4tpd5CjDsT-unguessable";
    let server = Server::with(vec![("secret_key", secret.into())]);
    let refused = try_rotate(&server, SigningKey::generate(Algorithm::Es256), When::Now);
    assert!(matches!(refused, Err(RotateError::SecretKey)));
}

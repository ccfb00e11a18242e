//! The demonstration at `/demo`: its verdicts are those of a refresh, and what it shows is what is stored.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Server, fingerprints, unlimited};

/// Returns the words of all switches.
const SWITCHES: [&str; 6] =
    ["time_zone", "browser_update", "private_window", "resist_fingerprinting", "other_browser", "other_machine"];

#[test]
fn the_verdict_of_the_demonstration_is_that_of_a_refresh() {
    let server = Server::with(unlimited(vec![("max_devices_per_user", json!(0))]));
    let accounts = server.post("/demo/start", json!({"password": PASSWORD})).expect(200).body;
    let email = accounts["accounts"][0].as_str().expect("an address").to_owned();
    let mut met = BTreeSet::new();
    for browser in [fingerprints::own_module(), fingerprints::chromium(), fingerprints::firefox()] {
        for mask in 0..1_u32 << SWITCHES.len() {
            let on: Vec<&str> =
                SWITCHES.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, word)| *word).collect();
            let login = json!({"email": email, "password": PASSWORD, "fingerprint": browser});
            let tokens = server.post("/auth/login", login).expect(200);
            let body = json!({"fingerprint": browser, "switches": on, "session": tokens.text_at("session_id")});
            let shown = server.post("/demo/compare", body).expect(200).body;
            let refresh =
                json!({"refresh_token": tokens.text_at("refresh_token"), "fingerprint": shown["fingerprint"]});
            let real = server.post("/auth/refresh", refresh);
            let verdict = shown["found"]["verdict"].as_str().expect("a verdict");
            met.insert(verdict.to_owned());
            let (status, refusal) =
                if verdict == "mismatch" { (401, json!("device_mismatch")) } else { (200, Value::Null) };
            assert_eq!((real.status, real.body["error"].clone()), (status, refusal), "{on:?}: {}", real.text);
            // A refresh that matches says nothing of its comparison.
            if verdict == "match" {
                assert!(shown["found"]["score"].as_f64().is_some_and(|score| score >= 0.75), "{on:?}");
                continue;
            }
            for field in ["score", "differed"] {
                assert_eq!(shown["found"][field], real.body["fingerprint"][field], "{field} of {on:?}: {}", real.text);
            }
        }
    }
    assert_eq!(met.into_iter().collect::<Vec<_>>(), ["match", "mismatch"]);
}

#[test]
fn two_accounts_on_one_machine_have_other_codes_and_none_is_whole() {
    let server = Server::with(unlimited(vec![]));
    let accounts = server.post("/demo/start", json!({"password": PASSWORD})).expect(200).body;
    let sessions: Vec<Value> = [0, 1]
        .map(|at| {
            let login = json!({"email": accounts["accounts"][at], "password": PASSWORD, "fingerprint": fingerprints::own_module()});
            let id = server.post("/auth/login", login).expect(200).text_at("session_id").to_owned();
            server.call("GET", &format!("/demo/sessions/{id}")).send().expect(200).body
        })
        .into();
    let codes = |session: &Value| session["stored"].as_array().expect("a list").clone();
    let pairs: Vec<(Value, Value)> = codes(&sessions[0]).into_iter().zip(codes(&sessions[1])).collect();
    assert!(pairs.len() >= 5);
    for (ada, bob) in pairs {
        assert_eq!(ada["name"], bob["name"]);
        assert_ne!(ada["code"], bob["code"], "{}", ada["name"]);
        assert_eq!(ada["code"].as_str().map(str::len), Some(8), "a code of 128 bits has 22 characters");
    }
    assert_eq!(sessions[0]["state"], "live");
}

#[test]
fn a_second_demonstration_replaces_the_accounts_of_the_first() {
    let server = Server::with(unlimited(vec![]));
    let start = |password: &str| server.post("/demo/start", json!({"password": password})).expect(200).body;
    let email = start(PASSWORD)["accounts"][0].as_str().expect("an address").to_owned();
    let token = server.try_login(&email, PASSWORD).expect(200).text_at("access_token").to_owned();
    start("another quiet harbour 77");
    server.call("GET", "/users/me").bearer(&token).send().expect_error(401, "token_revoked");
    server.try_login(&email, PASSWORD).expect_error(401, "invalid_credentials");
    server.try_login(&email, "another quiet harbour 77").expect(200);
}

#[test]
fn what_is_no_fingerprint_no_switch_or_no_session_is_refused() {
    let server = Server::start();
    let unknown = "01a21f13-cca8-7a50-8e76-c08a6e4dda7b";
    for (body, field) in [
        (json!({}), "fingerprint"),
        (json!({"fingerprint": 7}), "fingerprint"),
        (json!({"fingerprint": {}, "switches": ["none"]}), "switches"),
        (json!({"fingerprint": {}, "switches": "time_zone"}), "switches"),
        (json!({"fingerprint": {}, "session": "x"}), "session"),
        (json!({"fingerprint": {"os": "x".repeat(50_000)}}), "fingerprint"),
    ] {
        assert_eq!(server.post("/demo/compare", body).expect_error(422, "invalid_request").bad_fields(), [field]);
    }
    server.post("/demo/compare", json!({"fingerprint": {}, "session": unknown})).expect_error(404, "not_found");
    server.call("GET", &format!("/demo/sessions/{unknown}")).send().expect_error(404, "not_found");
    server.call("GET", "/demo/sessions/x").send().expect_error(404, "not_found");
    server.post("/demo/start", json!({})).expect_error(422, "invalid_request");
}

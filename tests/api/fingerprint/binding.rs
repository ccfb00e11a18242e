//! Which fingerprints the refreshes of a bound session accept.

use serde_json::{Value, json};

use super::is_bound;
use crate::support::{
    Server, Session,
    fingerprints::{another_machine, canvas, chromium, drifted, firefox, own_module},
    json::with,
    unlimited,
};

#[test]
fn a_captured_fingerprint_binds_the_session() {
    let server = Server::start();
    let ada = server.user("ada");
    for sample in [chromium(), firefox(), own_module()] {
        let bound = ada.login_with(json!({"fingerprint": sample}));
        assert!(is_bound(&bound));
        bound.try_refresh_on(&server, &sample).expect(200);
    }
    let free = ada.login();
    assert!(!is_bound(&free));
    // This session has no sealed fingerprint, so no fingerprint is compared.
    let free = Session::from(&server, &free.try_refresh_on(&server, &chromium()).expect(200));
    assert!(!is_bound(&free), "a refresh binds nothing that the login did not");
    free.refreshed();
}

#[test]
fn everyday_changes_match_unusual_changes_drift_and_other_devices_mismatch() {
    let server = Server::with(unlimited(vec![]));
    let ada = server.user("ada");
    let b = || json!("b");
    let everyday = [
        ("second load, second profile, private window, resized, dark", chromium(), json!({})),
        ("one major on", chromium(), json!({"userAgent": "later", "browserVersion": "157.0.0.0"})),
        ("update 150 to 156", chromium(), json!({"visitorId": b(), "userAgent": "x", "browserVersion": "150"})),
        ("other screen", chromium(), json!({"visitorId": b(), "screenPrint": "2560x1440"})),
        ("journey to Tokyo", chromium(), json!({"visitorId": b(), "timezone": "Japan Standard Time"})),
        ("German", chromium(), json!({"visitorId": b(), "language": "de", "timezone": "Koordinierte Weltzeit"})),
        ("reduced motion, more contrast, forced colours", chromium(), json!({"visitorId": b()})),
        ("ClientJS 0.2.1", chromium(), json!({"browser": "Chrome Headless", "timezone": "+00"})),
        ("FingerprintJS 5.2.0", chromium(), json!({"visitorId": b()})),
        ("Firefox, second load", firefox(), json!({})),
        ("own module, second load", own_module(), json!({})),
    ];
    for (name, stored, changes) in everyday {
        let session = ada.login_with(json!({"fingerprint": stored}));
        session.try_refresh_on(&server, &with(&stored, changes)).expect(200);
        assert_eq!((server.count_events("device_drift"), server.count_events("device_mismatch")), (0, 0), "{name}");
    }
    let resisting = json!({
        "visitorId": "95b00000000000000000000000000000",
        "screenPrint": "Current Resolution: 800x600, Available Resolution: 800x600, Color Depth: 24, Device XDPI: undefined, Device YDPI: undefined",
        "timezone": "Greenwich Mean Time", "canvasPrint": canvas("noise", 2078), "hardwareConcurrency": 4
    });
    let private = json!({"visitorId": b(), "canvasPrint": canvas("noise", 9410), "hardwareConcurrency": 4});
    let plain_http = json!({"visitorId": null, "canvasPrint": null, "deviceMemory": null, "cpu": "x86_64"});
    let unusual = [
        ("HiDPI", chromium(), drifted()),
        ("Firefox, private window or strict protection", firefox(), with(&firefox(), private)),
        ("own module over plain http", own_module(), with(&own_module(), plain_http)),
    ];
    for (count, (name, stored, presented)) in unusual.into_iter().enumerate() {
        let session = ada.login_with(json!({"fingerprint": stored}));
        let before = server.sealed_fingerprint(&session.id);
        session.try_refresh_on(&server, &presented).expect(200);
        assert_eq!(
            (server.count_events("device_drift"), server.count_events("device_mismatch")),
            (count + 1, 0),
            "{name}"
        );
        assert_eq!(server.sealed_fingerprint(&session.id), before, "{name}: the baseline stays");
    }
    let foreign = [
        ("Chromium against Firefox", chromium(), firefox()),
        ("Firefox against Chromium", firefox(), chromium()),
        ("another system", chromium(), with(&chromium(), json!({"os": "Windows"}))),
        ("no system", chromium(), with(&chromium(), json!({"os": null}))),
        ("no browser", chromium(), with(&chromium(), json!({"browser": "unknown"}))),
        ("another machine", chromium(), another_machine()),
        // The one exception: who switches this on in the middle of a session may have to sign in again.
        ("Firefox that begins to resist fingerprinting", firefox(), with(&firefox(), resisting)),
        ("nothing at all", chromium(), json!({})),
        ("only what everybody has", chromium(), json!({"os": "Linux", "browser": "Chrome", "language": "en-US"})),
    ];
    for (count, (name, stored, presented)) in foreign.into_iter().enumerate() {
        let session = ada.login_with(json!({"fingerprint": stored}));
        let before = server.sealed_fingerprint(&session.id);
        session.try_refresh_on(&server, &presented).expect_error(401, "device_mismatch");
        assert_eq!(server.count_events("device_mismatch"), count + 1, "{name}");
        assert_eq!(server.sealed_fingerprint(&session.id), before, "{name}");
        session.try_refresh_on(&server, &stored).expect(200);
    }
}

#[test]
fn a_match_updates_the_sealed_fingerprint_and_drift_does_not() {
    let server = Server::start();
    let ada = server.user("ada");
    let first = json!({"screenPrint": "4K"});
    let second = json!({"screenPrint": "4K", "deviceMemory": 32, "hardwareConcurrency": 64});
    let session = ada.login_with(json!({"fingerprint": chromium()}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &with(&chromium(), first)).expect(200));
    // The score is 12 of 15 against the updated sealed fingerprint, which is a match. Against the first sealed fingerprint it
    // would be 10 of 15, which is drift.
    session.try_refresh_on(&server, &with(&chromium(), second)).expect(200);
    assert_eq!(server.count_events("device_drift"), 0);

    let session = ada.login_with(json!({"fingerprint": chromium()}));
    let mut presented = drifted();
    let session = Session::from(&server, &session.try_refresh_on(&server, &presented).expect(200));
    presented = with(&presented, json!({"deviceMemory": 32}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &presented).expect(200));
    assert_eq!(server.count_events("device_drift"), 2);
    // This is a change of weight 2 since the last refresh. The score against the sealed fingerprint is 4 of 15, below 0.40.
    presented = with(&presented, json!({"hardwareConcurrency": 64}));
    session.try_refresh_on(&server, &presented).expect_error(401, "device_mismatch");
    session.try_refresh_on(&server, &chromium()).expect(200);
}

#[test]
fn drift_is_recorded_with_session_score_and_what_differed_and_dev_says_so() {
    let server = Server::start();
    let session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    let found = json!({"score": 0.47, "differed": ["canvasPrint", "screenPrint"]});
    let answer = session.try_refresh_on(&server, &drifted()).expect(200);
    assert_eq!(answer.body["fingerprint"], found);
    let detail: Value = serde_json::from_str(&server.event_detail("device_drift", &session.id)).expect("JSON");
    assert_eq!(detail, found);
    let session = Session::from(&server, &answer);
    let same = session.try_refresh_on(&server, &chromium()).expect(200);
    assert_eq!(same.body.get("fingerprint"), None, "a match says nothing");
}

#[test]
fn a_refusal_is_recorded_with_score_and_what_differed_and_dev_says_so() {
    let server = Server::start();
    let ada = server.user("ada");
    let session = ada.login_with(json!({"fingerprint": chromium()}));
    let refused = session.try_refresh_on(&server, &another_machine()).expect_error(401, "device_mismatch");
    let differed = json!(["canvasPrint", "fonts", "hardwareConcurrency", "screenPrint", "deviceMemory"]);
    assert_eq!(refused.body["fingerprint"], json!({"score": 0.0, "differed": differed}));
    let detail = |session: &str| -> Value {
        serde_json::from_str(&server.event_detail("device_mismatch", session)).expect("JSON")
    };
    assert_eq!((&detail(&session.id)["score"], &detail(&session.id)["differed"]), (&json!(0.0), &differed));
    // A score that is neither 0 nor 1: the fonts are equal, with 4 of 15.
    let session = ada.login_with(json!({"fingerprint": chromium()}));
    let fonts = with(&another_machine(), json!({"fonts": chromium()["fonts"]}));
    let refused = session.try_refresh_on(&server, &fonts).expect_error(401, "device_mismatch");
    assert_eq!((&refused.body["fingerprint"]["score"], &detail(&session.id)["score"]), (&json!(0.27), &json!(0.27)));
}

#[test]
fn a_fingerprint_too_light_to_be_judged_binds_only_to_system_and_browser() {
    let server = Server::start();
    let ada = server.user("ada");
    let light = json!({"os": "Linux", "browser": "Firefox", "language": "en-US", "timezone": "UTC"});
    let session = ada.login_with(json!({"fingerprint": light}));
    assert!(!is_bound(&session));
    let moved = with(&light, json!({"language": "de", "timezone": null}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &moved).expect(200));
    session.try_refresh_on(&server, &with(&light, json!({"browser": "Chrome"}))).expect_error(401, "device_mismatch");
    let nothing = ada.login_with(json!({"fingerprint": {"canvasPrint": "unknown", "gpu": null, "unheard of": "x"}}));
    assert!(!is_bound(&nothing));
    nothing.refreshed();
}

#[test]
fn a_baseline_without_families_accepts_any_family_until_a_match_adds_those_that_it_was_sent() {
    let server = Server::start();
    let ada = server.user("ada");
    let nameless = with(&chromium(), json!({"os": null, "browser": null, "userAgent": null}));
    let components = |session: &Session<'_>| -> Vec<String> {
        let stored: Value = serde_json::from_str(&server.sealed_fingerprint(&session.id)).expect("JSON");
        stored["macs"].as_object().expect("an object").keys().cloned().collect()
    };
    let session = ada.login_with(json!({"fingerprint": nameless}));
    assert!(is_bound(&session));
    let without = ["canvasPrint", "fonts", "hardwareConcurrency", "screenPrint"];
    assert_eq!(components(&session), without);
    // Another weighted component differs, so nothing is added: the next family passes too.
    let windows = json!({"os": "Windows", "browser": "Edge", "screenPrint": "1x1"});
    let session = Session::from(&server, &session.try_refresh_on(&server, &with(&nameless, windows)).expect(200));
    assert_eq!(components(&session), without);
    let back = with(&nameless, json!({"os": "Linux", "browser": "Firefox", "screenPrint": "1x1"}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &back).expect(200));
    assert!(components(&session).contains(&"os".to_owned()));
    // All weighted components were equal, so the families were added, and others are refused from now on.
    for other in [json!({"os": "Windows"}), json!({"browser": "Chrome"}), json!({"os": null, "browser": null})] {
        session.try_refresh_on(&server, &with(&back, other)).expect_error(401, "device_mismatch");
        session.try_refresh_on(&server, &back).expect(200);
    }
}

#[test]
fn a_repeat_within_the_grace_resets_the_count_of_mismatches() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    first.try_refresh_on(&server, &chromium()).expect(200);
    for _ in 0..3 {
        for _ in 0..2 {
            first.try_refresh().expect_error(401, "device_mismatch");
        }
        first.try_refresh_on(&server, &chromium()).expect(200);
    }
}

#[test]
fn drift_is_recorded_at_a_repeat_too() {
    let server = Server::start();
    let first = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    first.try_refresh_on(&server, &chromium()).expect(200);
    first.try_refresh_on(&server, &drifted()).expect(200);
    assert_eq!(server.count_events("device_drift"), 1);
}

#[test]
fn the_thresholds_are_settings() {
    let settings = vec![("fingerprint_match", 1.0.into()), ("fingerprint_drift", 0.9.into())];
    let server = Server::with(settings);
    let session = server.user("ada").login_with(json!({"fingerprint": chromium()}));
    // The score is 14 of 15, between 0.9 and 1.0.
    let one_off = with(&chromium(), json!({"deviceMemory": 32}));
    let session = Session::from(&server, &session.try_refresh_on(&server, &one_off).expect(200));
    assert_eq!(server.count_events("device_drift"), 1);
    // The score is 12 of 15, below 0.9.
    let two_off = with(&one_off, json!({"screenPrint": "x"}));
    session.try_refresh_on(&server, &two_off).expect_error(401, "device_mismatch");
}

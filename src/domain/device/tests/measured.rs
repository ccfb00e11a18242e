//! Tests of the events that were measured on one machine, each with the expected score and verdict.

use super::*;

/// An event: how a browser's fingerprint changes, and the expected result.
struct Event {
    name: &'static str,
    /// The fingerprint before the event.
    stored: Value,
    /// The fields that the event changes. A field that is `null` is removed.
    changes: Value,
    /// The weight of the equal components, and the whole weight.
    score: (u32, u32),
    verdict: Verdict,
}

fn event(name: &'static str, stored: Value, changes: Value, score: (u32, u32), verdict: Verdict) -> Event {
    Event { name, stored, changes, score, verdict }
}

/// Returns events that must match.
fn everyday() -> Vec<Event> {
    let of_chromium = |name, changes, score| event(name, chromium(), changes, score, Verdict::Match);
    vec![
        of_chromium("second load, second profile, private window, window resized, dark mode", json!({}), (15, 15)),
        of_chromium("user agent one major on", json!({"userAgent": "later", "browserVersion": "157.0.0.0"}), (15, 15)),
        of_chromium(
            "update 150 to 156",
            json!({"visitorId": "b", "userAgent": "later", "browserVersion": "156.0.0.0"}),
            (15, 15),
        ),
        of_chromium("other screen", json!({"visitorId": "b", "screenPrint": "2560x1440"}), (13, 15)),
        of_chromium("journey", json!({"visitorId": "b", "timezone": "Japan Standard Time"}), (15, 15)),
        of_chromium(
            "browser in German",
            json!({"visitorId": "b", "language": "de", "timezone": "Koordinierte Weltzeit"}),
            (15, 15),
        ),
        of_chromium("reduced motion, contrast, forced colours", json!({"visitorId": "b"}), (15, 15)),
        of_chromium("ClientJS 0.2.1", json!({"browser": "Chrome Headless", "timezone": "+00"}), (15, 15)),
        of_chromium("FingerprintJS 5.2.0", json!({"visitorId": "b"}), (15, 15)),
        of_chromium(
            "update, journey and other screen at once",
            json!({"visitorId": "b", "timezone": "Japan Standard Time", "screenPrint": "2560x1440"}),
            (13, 15),
        ),
        event("Firefox, second load", firefox(), json!({}), (14, 14), Verdict::Match),
        event("own module, second load", own_module(), json!({}), (18, 18), Verdict::Match),
    ]
}

/// Returns events after which the fingerprint drifts, except the one that is named.
fn unusual() -> Vec<Event> {
    vec![
        event(
            "other pixel ratio",
            chromium(),
            json!({"visitorId": "b", "screenPrint": "1600x1200", "canvasPrint": canvas("HiDPI", 9500)}),
            (7, 15),
            Verdict::Drift,
        ),
        event(
            "Firefox, private window",
            firefox(),
            json!({"visitorId": "b", "canvasPrint": canvas("noise", 9410), "hardwareConcurrency": 4}),
            (6, 14),
            Verdict::Drift,
        ),
        event(
            "Firefox, resistFingerprinting",
            firefox(),
            json!({
                "visitorId": "95b00000000000000000000000000000",
                "screenPrint": "Current Resolution: 800x600, Available Resolution: 800x600, Color Depth: 24, Device XDPI: undefined, Device YDPI: undefined",
                "timezone": "Greenwich Mean Time",
                "canvasPrint": canvas("noise", 2078),
                "hardwareConcurrency": 4
            }),
            (4, 14),
            // The one exception: a browser that begins to resist fingerprinting may have to sign in again.
            Verdict::Mismatch,
        ),
        event(
            "own module without a secure context",
            own_module(),
            json!({"visitorId": null, "canvasPrint": null, "deviceMemory": null, "cpu": "x86_64"}),
            (10, 18),
            Verdict::Drift,
        ),
    ]
}

/// Returns events in which another machine with the same operating system and browser presents a fingerprint. The
/// machine of the first event is in the same town, with the same time zone and language. In the other events, time zone
/// and language differ.
fn other_machines() -> Vec<Event> {
    let nearby = json!({
        "visitorId": "c", "canvasPrint": canvas("other", 9600), "fonts": "Arial, Cantarell",
        "hardwareConcurrency": 8, "screenPrint": "1920x1080", "deviceMemory": 32
    });
    let far = with(&nearby, &json!({"timezone": "Central European Time", "language": "fr"}));
    let own = with(&far, &json!({"gpu": "Mesa Intel(R) UHD 620"}));
    vec![
        event("another machine in the same town", chromium(), nearby, (0, 15), Verdict::Mismatch),
        event("another machine", chromium(), far, (0, 15), Verdict::Mismatch),
        event("another machine, own module", own_module(), own, (1, 18), Verdict::Mismatch),
    ]
}

#[test]
fn every_measured_event_has_the_expected_score_and_verdict() {
    for event in everyday().into_iter().chain(unusual()).chain(other_machines()) {
        let score = score(&event.stored, &with(&event.stored, &event.changes));
        let (equal, weight) = event.score;
        assert_eq!(score.weight(), weight, "{}", event.name);
        assert!((score.value() - f64::from(equal) / f64::from(weight)).abs() < 1e-12, "{}: {score:?}", event.name);
        assert_eq!(judge(&score, Thresholds::default()), event.verdict, "{}: {score:?}", event.name);
    }
}

#[test]
fn another_browser_on_the_same_machine_is_a_mismatch() {
    let score = score(&chromium(), &firefox());
    assert!(score.veto());
    assert_eq!(judge(&score, Thresholds::default()), Verdict::Mismatch);
    assert_eq!(verdict(&firefox(), &chromium()), Verdict::Mismatch);
}

#[test]
fn another_system_is_a_mismatch_even_if_all_other_components_are_equal() {
    let score = score(&chromium(), &with(&chromium(), &json!({"os": "Windows"})));
    assert!((score.value() - 1.0).abs() < f64::EPSILON);
    assert_eq!(judge(&score, Thresholds::default()), Verdict::Mismatch);
}

#[test]
fn updates_in_a_row_never_add_up_to_a_mismatch() {
    let mut stored = baseline(&chromium());
    for step in 0..20 {
        let now = json!({"visitorId": step, "screenPrint": step, "timezone": step, "browserVersion": step});
        let presented = seal(&with(&chromium(), &now));
        assert_eq!(judge(&compare(&stored, &presented), Thresholds::default()), Verdict::Match);
        stored = presented.update(&stored);
    }
}

#[test]
fn a_plugin_that_comes_or_goes_signs_nobody_out() {
    let machines = recorded().0.into_iter();
    let captured = ["chromium", "firefox", "own_module"].map(|name| (format!("captured {name}"), captured(name)));
    for (name, machine) in machines.chain(captured) {
        let plugins = machine["plugins"].as_str().unwrap_or_default();
        let extra = with(&machine, &json!({"plugins": format!("{plugins}, Extra Plugin")}));
        let none = with(&machine, &json!({"plugins": null}));
        for (one, other) in [(&machine, &extra), (&extra, &machine), (&none, &extra), (&extra, &none)] {
            let score = score(one, other);
            // A machine whose baseline can't tell it from others is not judged.
            let expected = if baseline(one).can_bind() { Verdict::Match } else { Verdict::Unjudged };
            assert_eq!(judge(&score, Thresholds::default()), expected, "{name}: {score:?}");
        }
    }
}

#[test]
fn the_commonest_value_does_not_replace_a_stored_one() {
    // Twelve cores are the commonest value of Chrome on Linux, and two of the sample are not.
    let stored = baseline(&chromium());
    let [common, rare] = [12, 3].map(|cores| seal(&with(&chromium(), &json!({"hardwareConcurrency": cores}))));
    let cores = |sealed: &SealedFingerprint| sealed.macs.get("hardwareConcurrency").copied();
    for presented in [&common, &rare] {
        assert_eq!(judge(&compare(&stored, presented), Thresholds::default()), Verdict::Match);
    }
    assert!(common.told_nothing.contains("hardwareConcurrency"));
    assert_eq!(common.update(&stored), stored);
    assert_eq!(cores(&rare.update(&stored)), cores(&rare.second), "another value replaces it");
    assert_ne!(cores(&rare.update(&stored)), cores(&stored));
}

/// What the browser module of this server sent: four machines, and how their fingerprints changed with each event. Chromium 156
/// and Firefox 153 on one Linux machine; the phone and the tablet are emulated.
const EVENTS: &str = include_str!("../../../../tests/fixtures/fingerprint_events.json");

/// A recorded event: the machine, the name of the event, and the changes.
type Recorded = (String, String, Value);

/// Returns the recorded machines by name, and the events: machine, name and changes.
fn recorded() -> (Map<String, Value>, Vec<Recorded>) {
    let all: Value = serde_json::from_str(EVENTS).expect("the fixture is JSON");
    let text = |event: &Value, field: &str| event[field].as_str().expect("a text").to_owned();
    let events = all["events"].as_array().expect("a list").iter();
    let events = events.map(|event| (text(event, "machine"), text(event, "event"), event["changes"].clone()));
    (all["machines"].as_object().expect("an object").clone(), events.collect())
}

#[test]
fn every_recorded_event_passes_but_the_named_exceptions() {
    let (machines, events) = recorded();
    assert!(events.len() >= 40);
    let mut refused = Vec::new();
    for (machine, event, changes) in &events {
        let stored = &machines[machine];
        if verdict(stored, &with(stored, changes)) == Verdict::Mismatch {
            refused.push(format!("{machine}, {event}"));
        }
    }
    assert_eq!(
        refused,
        [
            "firefox, resistFingerprinting, load 1",
            "firefox, resistFingerprinting, load 2",
            // No everyday change: the browser was started with another graphics backend, so both its canvas and its GPU differ.
            "chromium, ANGLE on GL"
        ]
    );
}

#[test]
fn a_thief_of_every_recorded_machine_fails() {
    for (name, machine) in recorded().0 {
        let score = score(&machine, &super::attacks::thief_of(&machine));
        assert!(!score.veto() && score.value() < f64::EPSILON, "{name}: {score:?}");
        assert_eq!(judge(&score, Thresholds::default()), Verdict::Mismatch, "{name}");
    }
}

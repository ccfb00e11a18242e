//! Tests of baselines of scheme 1, which version 0.1.0 stored: they are compared by its weights until they are replaced.

use super::*;

/// Returns the baseline that version 0.1.0 would have stored.
fn first(value: &Value) -> SealedFingerprint {
    seal(value).first
}

/// Compares a baseline of version 0.1.0 with a fingerprint.
fn score_of_first(stored: &Value, presented: &Value) -> Score {
    compare(&first(stored), &seal(presented))
}

/// The weights of the components of the sample. They are a copy on purpose: the test must not take its expectation from
/// the table under test.
const SAMPLE_WEIGHTS: [(&str, u32); 15] = [
    ("canvasPrint", 3),
    ("fonts", 2),
    ("cpu", 2),
    ("hardwareConcurrency", 2),
    ("visitorId", 1),
    ("osVersion", 1),
    ("screenPrint", 1),
    ("timezone", 1),
    ("language", 1),
    ("plugins", 1),
    ("deviceMemory", 1),
    ("os", 0),
    ("browser", 0),
    ("userAgent", 0),
    ("browserVersion", 0),
];

/// Returns the components whose bits are set in `mask`. Bit 0 is the first component.
fn subset(mask: u32) -> impl Iterator<Item = &'static (&'static str, u32)> {
    SAMPLE_WEIGHTS.iter().enumerate().filter(move |(bit, _)| mask & (1 << bit) != 0).map(|(_, field)| field)
}

/// Returns the expected verdict on a fingerprint that has the components of `mask` only.
fn expected(mask: u32) -> Verdict {
    let names: Vec<_> = subset(mask).map(|(name, _)| *name).collect();
    let families = names.contains(&"os") && names.contains(&"browser");
    match subset(mask).map(|(_, weight)| weight).sum() {
        12.. if families => Verdict::Match, // 0.75 × 16
        7.. if families => Verdict::Drift,  // 0.40 × 16 = 6.4
        _ => Verdict::Mismatch,
    }
}

#[test]
fn some_of_the_recorded_components_pass_only_with_both_families_and_enough_weight() {
    let stored = first(&chromium());
    let whole = seal(&chromium());
    let mut passed = 0;
    for mask in 0..1 << SAMPLE_WEIGHTS.len() {
        let mut sent = whole.clone();
        sent.first.macs.retain(|name, _| subset(mask).any(|(kept, _)| kept == name));
        sent.first_families.retain(|name, _| subset(mask).any(|(kept, _)| kept == name));
        let verdict = judge(&compare(&stored, &sent), Thresholds::default());
        assert_eq!(verdict, expected(mask), "{:?}", subset(mask).collect::<Vec<_>>());
        passed += u32::from(verdict != Verdict::Mismatch);
    }
    assert!((1..1 << 13).contains(&passed), "fewer than all 2^13 subsets with both families pass: {passed}");
}

/// An event: how a browser's fingerprint changes, the weight of the equal components and the whole weight, and the verdict.
type Event = (&'static str, Value, Value, (u32, u32), Verdict);

/// Returns the events that were measured for version 0.1.0.
fn measured() -> Vec<Event> {
    let rfp = json!({
        "visitorId": "95b00000000000000000000000000000", "screenPrint": "800x600", "timezone": "Greenwich Mean Time",
        "canvasPrint": canvas("noise", 2078), "hardwareConcurrency": 4
    });
    let private = json!({"visitorId": "b", "canvasPrint": canvas("noise", 9410), "hardwareConcurrency": 4});
    let nearby = json!({
        "visitorId": "c", "canvasPrint": canvas("other", 9600), "fonts": "Arial, Cantarell",
        "hardwareConcurrency": 8, "screenPrint": "1920x1080", "deviceMemory": 32
    });
    let update = json!({"visitorId": "b", "userAgent": "later", "browserVersion": "156.0.0.0"});
    let journey = json!({"visitorId": "b", "timezone": "Japan Standard Time", "screenPrint": "2560x1440"});
    vec![
        ("second load", chromium(), json!({}), (16, 16), Verdict::Match),
        ("update", chromium(), update, (15, 16), Verdict::Match),
        ("update, journey and other screen at once", chromium(), journey, (13, 16), Verdict::Match),
        ("Firefox, private window", firefox(), private, (9, 15), Verdict::Drift),
        ("Firefox, resistFingerprinting", firefox(), rfp, (7, 15), Verdict::Drift),
        ("own module, second load", own_module(), json!({}), (20, 20), Verdict::Match),
        ("another machine in the same town", chromium(), nearby, (6, 16), Verdict::Mismatch),
    ]
}

#[test]
fn every_measured_event_has_the_score_of_version_0_1_0() {
    for (name, stored, changes, (equal, weight), verdict) in measured() {
        let score = score_of_first(&stored, &with(&stored, &changes));
        assert_eq!(score.weight(), weight, "{name}");
        assert!((score.value() - f64::from(equal) / f64::from(weight)).abs() < 1e-12, "{name}: {score:?}");
        assert_eq!(judge(&score, Thresholds::default()), verdict, "{name}: {score:?}");
        // Higher thresholds of the operator count for baselines of this scheme as far as they are not stricter than before.
        let strict = Thresholds::new(0.75, 0.7).expect("valid thresholds");
        assert_eq!(judge(&score, strict), verdict, "{name}");
    }
}

#[test]
fn a_match_replaces_the_baseline_by_one_of_the_present_scheme_and_drift_does_not() {
    let presented = seal(&with(&chromium(), &json!({"visitorId": "b"})));
    let next = presented.update(&first(&chromium()));
    assert_eq!(next, presented.baseline());
    assert!(next.can_bind());
    assert!(next.to_json().starts_with(r#"{"v":2,"#));
    assert_eq!(judge(&compare(&next, &seal(&chromium())), Thresholds::default()), Verdict::Match);
}

#[test]
fn a_stored_baseline_of_version_0_1_0_is_read_and_passes() {
    let stored = SealedFingerprint::from_json(&first(&own_module()).to_json()).expect("it is read");
    assert_eq!(judge(&compare(&stored, &seal(&own_module())), Thresholds::default()), Verdict::Match);
    assert_eq!(judge(&compare(&stored, &PresentedFingerprint::default()), Thresholds::default()), Verdict::Mismatch);
}

#[test]
fn a_parser_with_new_names_signs_nobody_out_of_a_session_of_version_0_1_0() {
    for (component, old, new) in [
        ("os", "Mac OS", "macOS"),
        ("os", "macOS", "Mac OS X"),
        ("os", "Chromium OS", "Chrome OS"),
        ("os", "linux", "Linux"),
        ("browser", "Google Chrome", "Chrome"),
        ("browser", "Chrome", "Chromium"),
    ] {
        let (stored, sent) = (with(&chromium(), &json!({component: old})), with(&chromium(), &json!({component: new})));
        assert_eq!(judge(&score_of_first(&stored, &sent), Thresholds::default()), Verdict::Match, "{old} {new}");
    }
    let windows = with(&chromium(), &json!({"os": "Windows"}));
    assert_eq!(judge(&score_of_first(&chromium(), &windows), Thresholds::default()), Verdict::Mismatch);
}

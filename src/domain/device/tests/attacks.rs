//! Tests of attacks: an attacker presents the fingerprint of another device, or some of the fields of a recorded
//! fingerprint.

use super::*;

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
    let stored = seal(&chromium());
    let mut passed = 0;
    for mask in 0..1 << SAMPLE_WEIGHTS.len() {
        let mut sent = stored.clone();
        sent.macs.retain(|name, _| subset(mask).any(|(kept, _)| kept == name));
        let verdict = judge(compare(&stored, &sent), Thresholds::default());
        assert_eq!(verdict, expected(mask), "{:?}", subset(mask).collect::<Vec<_>>());
        passed += u32::from(verdict != Verdict::Mismatch);
    }
    assert!((1..1 << 13).contains(&passed), "fewer than all 2^13 subsets with both families pass: {passed}");
}

#[test]
fn omitting_a_field_has_the_same_effect_as_omitting_its_mac() {
    let stored = seal(&chromium());
    // About a hundred of the 32,768 subsets, because each subset is parsed and sealed.
    for mask in (0..1 << SAMPLE_WEIGHTS.len()).step_by(331) {
        let mut fields = chromium().as_object().expect("an object").clone();
        fields.retain(|name, _| subset(mask).any(|(kept, _)| kept == name));
        let sent = seal(&Value::Object(fields));
        assert_eq!(judge(compare(&stored, &sent), Thresholds::default()), expected(mask));
    }
}

#[test]
fn a_missing_or_malformed_family_is_a_mismatch() {
    for family in ["os", "browser"] {
        for gone in [json!(null), json!("unknown"), json!(""), json!([]), json!(["Linux"]), json!({"": null})] {
            let sent = with(&chromium(), &json!({family: gone}));
            assert_eq!(verdict(&chromium(), &sent), Verdict::Mismatch, "{sent}");
        }
    }
}

#[test]
fn values_that_are_moved_between_fields_or_nested_differently_have_other_macs() {
    let pairs = [
        (json!({"cpu": 1, "hardwareConcurrency": 23}), json!({"cpu": 12, "hardwareConcurrency": 3})),
        (json!({"cpu": "1", "fonts": "23"}), json!({"cpu": "12", "fonts": "3"})),
        (json!({"timezone": "a", "language": "b"}), json!({"timezone": "b", "language": "a"})),
        (json!({"cpu": "a\u{0}language\u{0}b"}), json!({"cpu": "a", "language": "b"})),
        (json!({"gpu": ["a", "b"]}), json!({"gpu": "l2:t1:at1:b"})),
        (json!({"gpu": ["ab", "c"]}), json!({"gpu": ["a", "bc"]})),
        (json!({"gpu": {"a": "b"}}), json!({"gpu": ["a", "b"]})),
        (json!({"gpu": [["a"], "b"]}), json!({"gpu": ["a", ["b"]]})),
        (json!({"gpu": [null, "a"]}), json!({"gpu": ["a", null]})),
        (json!({"gpu": "-"}), json!({"gpu": [["-"]]})),
    ];
    for (stored, sent) in pairs {
        let (stored, sent) = (seal(&stored), seal(&sent));
        assert!(compare(&stored, &sent).value() < f64::EPSILON);
        assert!(stored.macs.values().all(|mac| !sent.macs.values().any(|other| other == mac)));
    }
}

#[test]
fn fields_that_the_baseline_lacks_do_not_change_the_score() {
    let stored = with(&chromium(), &json!({"gpu": null, "canvasPrint": null}));
    let poor = with(&stored, &json!({"fonts": "x", "cpu": "x", "hardwareConcurrency": 99}));
    let mut rich = poor.as_object().expect("an object").clone();
    for (name, value) in own_module().as_object().expect("an object") {
        rich.entry(name.clone()).or_insert(value.clone());
    }
    assert_eq!(score(&stored, &poor), score(&stored, &Value::Object(rich)));
}

#[test]
fn repeated_updates_do_not_reduce_the_weight_of_a_baseline() {
    let mut stored = seal(&chromium());
    for _ in 0..8 {
        // The presented fingerprint lacks components with a total weight of 4. The remaining 12 of 16 reach the
        // threshold of a match exactly.
        let mut sent = stored.clone();
        let mut spare = 4;
        for (name, weight) in SAMPLE_WEIGHTS {
            if (1..=spare).contains(&weight) && sent.macs.remove(name).is_some() {
                spare -= weight;
            }
        }
        assert_eq!(judge(compare(&stored, &sent), Thresholds::default()), Verdict::Match);
        stored = stored.updated_by(&sent);
        assert_eq!(stored.weight(), 16);
        assert!(stored.can_bind());
    }
}

#[test]
fn a_light_baseline_is_judged_by_its_families_only() {
    let light = json!({"os": "Linux", "browser": "Firefox", "language": "en-US", "cpu": "amd64", "fonts": "Arial"});
    assert_eq!(seal(&light).weight(), 5);
    assert!(!seal(&light).can_bind());
    let stranger = json!({"os": "Linux", "browser": "Firefox", "language": "fr"});
    assert_eq!(verdict(&light, &light), Verdict::Unjudged);
    assert_eq!(verdict(&light, &stranger), Verdict::Unjudged);
    assert_eq!(verdict(&light, &with(&light, &json!({"browser": "Chrome"}))), Verdict::Mismatch);
    assert_eq!(verdict(&light, &json!({})), Verdict::Mismatch);

    let enough = with(&light, &json!({"timezone": "UTC"}));
    assert!(seal(&enough).can_bind());
    assert_eq!(verdict(&enough, &enough), Verdict::Match);
    assert_eq!(verdict(&enough, &stranger), Verdict::Mismatch);
}

#[test]
fn an_empty_baseline_is_never_judged_and_an_empty_fingerprint_never_matches() {
    for nothing in [json!({}), json!({"pet": "cat"}), json!({"cpu": null, "gpu": "unknown", "fonts": ", ,"})] {
        assert_eq!(seal(&nothing), seal(&json!({})));
        assert_eq!(verdict(&nothing, &chromium()), Verdict::Unjudged);
        assert_eq!(verdict(&chromium(), &nothing), Verdict::Mismatch);
    }
}

#[test]
fn a_fingerprint_sealed_with_another_key_or_for_another_user_is_a_mismatch() {
    let fingerprint = Fingerprint::parse(&chromium()).expect("a fingerprint");
    let stored = fingerprint.seal(&key(), &user());
    for other in
        [fingerprint.seal(&FingerprintKey::from_bytes([8; 32]), &user()), fingerprint.seal(&key(), &Uuid::nil())]
    {
        assert_eq!(judge(compare(&stored, &other), Thresholds::default()), Verdict::Mismatch);
        assert!(stored.macs.values().all(|mac| !other.macs.values().any(|theirs| theirs == mac)));
    }
}

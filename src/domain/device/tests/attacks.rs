//! Tests of attacks: an attacker presents the fingerprint of another device, or some of the fields of a recorded
//! fingerprint.

use super::*;

/// The weights of the components of a baseline of the sample. They are a copy on purpose: the test must not take its
/// expectation from the table under test.
const SAMPLE_WEIGHTS: [(&str, u32); 7] = [
    ("canvasPrint", 6),
    ("fonts", 4),
    ("hardwareConcurrency", 2),
    ("screenPrint", 2),
    ("deviceMemory", 1),
    ("os", 0),
    ("browser", 0),
];

/// Returns the components whose bits are set in `mask`. Bit 0 is the first component.
fn subset(mask: u32) -> impl Iterator<Item = &'static (&'static str, u32)> {
    SAMPLE_WEIGHTS.iter().enumerate().filter(move |(bit, _)| mask & (1 << bit) != 0).map(|(_, field)| field)
}

/// Returns the expected verdict on a fingerprint that has the components of `mask` only.
fn expected(mask: u32) -> Verdict {
    let names: Vec<_> = subset(mask).map(|(name, _)| *name).collect();
    let families = names.contains(&"os") && names.contains(&"browser");
    let identifies = names.contains(&"canvasPrint") || names.contains(&"fonts");
    match subset(mask).map(|(_, weight)| weight).sum() {
        12.. if families && identifies => Verdict::Match, // 0.75 × 15 = 11.25
        6.. if families && identifies => Verdict::Drift,  // 0.40 × 15
        _ => Verdict::Mismatch,
    }
}

#[test]
fn some_of_the_recorded_components_pass_only_with_both_families_enough_weight_and_one_that_identifies() {
    let stored = baseline(&chromium());
    let whole = seal(&chromium());
    let mut passed = 0;
    for mask in 0..1 << SAMPLE_WEIGHTS.len() {
        let mut sent = whole.clone();
        sent.second.macs.retain(|name, _| subset(mask).any(|(kept, _)| kept == name));
        let verdict = judge(&compare(&stored, &sent), Thresholds::default());
        assert_eq!(verdict, expected(mask), "{:?}", subset(mask).collect::<Vec<_>>());
        passed += u32::from(verdict != Verdict::Mismatch);
    }
    assert!((1..1 << 5).contains(&passed), "fewer than all 2^5 subsets with both families pass: {passed}");
}

/// Returns all recorded machines, by name.
fn machines() -> [(&'static str, Value); 3] {
    [("chromium", chromium()), ("firefox", firefox()), ("own module", own_module())]
}

/// Returns what a thief sends who knows the victim's system, browser, language and time zone, and for everything else the
/// commonest values.
pub(super) fn thief_of(victim: &Value) -> Value {
    let family = |name: &str| super::super::families::family_of(name, victim[name].as_str().unwrap_or_default());
    let known = json!({
        "os": victim["os"], "browser": victim["browser"], "language": victim["language"], "timezone": victim["timezone"],
        "osVersion": victim["osVersion"], "touchPoints": victim["touchPoints"],
        "fonts": "Arial, Calibri, Cambria, Consolas, Courier New, Georgia, Segoe UI, Tahoma, Times New Roman, Verdana",
        "visitorId": "0", "canvasPrint": "0",
    });
    let common = super::super::common::commonest(&family("os"), &family("browser"));
    with(&common, &known)
}

#[test]
fn a_thief_who_sends_the_commonest_values_scores_nothing_against_any_machine() {
    // The recorded machines, and those that have the commonest values themselves, with a canvas, GPU and fonts of their own.
    let platforms = [
        ("Windows", "Chrome"),
        ("Windows", "Edge"),
        ("Windows", "Firefox"),
        ("Mac OS", "Chrome"),
        ("Mac OS", "Safari"),
        ("Mac OS", "Firefox"),
        ("Linux", "Chrome"),
        ("Linux", "Firefox"),
        ("Android", "Chrome"),
        ("iOS", "Mobile Safari"),
    ];
    let common = platforms.map(|(os, browser)| {
        let named = with(&own_module(), &json!({"os": os, "browser": browser}));
        let values = thief_of(&named);
        with(&with(&named, &values), &json!({"canvasPrint": "1", "gpu": "a GPU", "fonts": "Bauhaus 93, Arial"}))
    });
    for victim in machines().into_iter().map(|(_, machine)| machine).chain(common) {
        let score = score(&victim, &thief_of(&victim));
        assert!(!score.veto(), "the thief knows the families: {victim}");
        assert!(score.value() < f64::EPSILON, "{score:?} against {victim}");
        assert_ne!(judge(&score, Thresholds::default()), Verdict::Match);
        assert_ne!(judge(&score, Thresholds::default()), Verdict::Drift);
    }
}

#[test]
fn the_nine_constants_that_once_reached_drift_do_not() {
    // Attack finding: with these nine fields a stolen refresh token passed on Windows with Chrome.
    let victim = json!({
        "os": "Windows", "osVersion": "10.0", "browser": "Chrome", "language": "en-US", "timezone": "Europe/Berlin",
        "cpu": "amd64", "plugins": "PDF Viewer, Chrome PDF Viewer, Chromium PDF Viewer, Microsoft Edge PDF Viewer, WebKit built-in PDF",
        "deviceMemory": 8, "touchPoints": 0, "hardwareConcurrency": 12, "canvasPrint": "e2bf176a67b6286a",
        "gpu": "ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0, D3D11)",
        "fonts": "Arial, Calibri, Courier New, Segoe UI, Times New Roman", "screenPrint": "Current Resolution: 2560x1440",
    });
    let mut constants = victim.as_object().expect("an object").clone();
    for known in ["canvasPrint", "gpu", "hardwareConcurrency", "screenPrint"] {
        constants.remove(known);
    }
    for more in [json!({}), json!({"hardwareConcurrency": 12}), json!({"screenPrint": "Current Resolution: 2560x1440"})]
    {
        let sent = with(&Value::Object(constants.clone()), &more);
        assert_eq!(verdict(&victim, &sent), Verdict::Mismatch, "{more}");
    }
    assert_eq!(verdict(&victim, &victim), Verdict::Match);
}

#[test]
fn no_machine_passes_as_another() {
    for (one, stored) in machines() {
        for (other, sent) in machines().into_iter().filter(|(other, _)| *other != one) {
            // The families are made equal, so that more than the veto is tested.
            let disguised = with(&sent, &json!({"os": stored["os"], "browser": stored["browser"]}));
            assert_eq!(verdict(&stored, &disguised), Verdict::Mismatch, "{other} as {one}");
        }
    }
}

#[test]
fn the_screen_and_a_short_list_of_fonts_do_not_suffice() {
    let stored = own_module();
    let without = |names: &[&str]| {
        let gone: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        with(&stored, &Value::Object(gone))
    };
    assert_eq!(verdict(&stored, &without(&["canvasPrint", "gpu"])), Verdict::Mismatch, "all but what identifies");
    assert_ne!(verdict(&stored, &without(&["canvasPrint"])), Verdict::Mismatch);
    assert_ne!(verdict(&stored, &without(&["gpu"])), Verdict::Mismatch);
    let of_clientjs = with(&chromium(), &json!({"canvasPrint": null}));
    assert_ne!(verdict(&chromium(), &of_clientjs), Verdict::Mismatch, "its long list of fonts identifies");
    let short = json!({"canvasPrint": null, "fonts": "Arial, Courier New"});
    assert_eq!(
        verdict(&with(&chromium(), &json!({"fonts": "Arial, Courier New"})), &with(&chromium(), &short)),
        Verdict::Mismatch
    );
}

#[test]
fn a_model_whose_machines_all_look_alike_is_not_bound() {
    let iphone = json!({
        "os": "iOS", "osVersion": "18.7", "browser": "Mobile Safari", "language": "de-DE", "timezone": "Europe/Vienna",
        "cpu": "iPhone", "plugins": "PDF Viewer", "fonts": "Arial, Courier New, Georgia, Helvetica Neue, Menlo, Verdana",
        "canvasPrint": "5f1d", "gpu": "Apple GPU", "hardwareConcurrency": 4, "deviceMemory": "unknown", "touchPoints": 5,
        "screenPrint": "Current Resolution: 844x390, Available Resolution: 844x390, Color Depth: 24", "visitorId": "x",
    });
    let mac = with(
        &iphone,
        &json!({
            "os": "Mac OS", "browser": "Safari", "cpu": "MacIntel", "touchPoints": 0, "hardwareConcurrency": 8,
            "screenPrint": "Current Resolution: 1728x1117, Available Resolution: 1728x1085, Color Depth: 30",
        }),
    );
    for machine in [&iphone, &mac] {
        assert!(!baseline(machine).can_bind());
        assert!(Fingerprint::parse(machine).expect("a fingerprint").says_enough(), "it is no empty fingerprint");
        assert_eq!(verdict(machine, machine), Verdict::Unjudged);
        assert_eq!(
            verdict(machine, &with(machine, &json!({"os": "Windows"}))),
            Verdict::Mismatch,
            "only the veto applies"
        );
    }
    // Resisting browsers say nothing that identifies.
    let resisting = with(&own_module(), &json!({"canvasPrint": null, "gpu": null}));
    assert!(!baseline(&resisting).can_bind());
    // A visitorId alone, as a page may send it, is neither bound nor enough.
    let id = json!({"visitorId": "abc"});
    assert!(!baseline(&id).can_bind() && !Fingerprint::parse(&id).expect("a fingerprint").says_enough());
}

#[test]
fn omitting_a_field_has_the_same_effect_as_omitting_its_mac() {
    let stored = baseline(&chromium());
    for mask in 0..1 << SAMPLE_WEIGHTS.len() {
        let mut fields = chromium().as_object().expect("an object").clone();
        fields.retain(|name, _| subset(mask).any(|(kept, _)| kept == name));
        let sent = seal(&Value::Object(fields));
        assert_eq!(judge(&compare(&stored, &sent), Thresholds::default()), expected(mask));
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
        assert!(compare(&stored.first, &sent).value() < f64::EPSILON);
        assert!(compare(&stored.second, &sent).value() < f64::EPSILON);
        assert!(stored.first.macs.values().all(|mac| !sent.first.macs.values().any(|other| other == mac)));
        assert!(stored.second.macs.values().all(|mac| !sent.second.macs.values().any(|other| other == mac)));
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
    let mut stored = baseline(&chromium());
    for _ in 0..8 {
        // The presented fingerprint lacks components with a total weight of 3. The remaining 12 of 15 reach the threshold
        // of a match.
        let mut sent = seal(&chromium());
        let mut spare = 3;
        for (name, weight) in SAMPLE_WEIGHTS {
            if (1..=spare).contains(&weight) && sent.second.macs.remove(name).is_some() {
                spare -= weight;
            }
        }
        assert_eq!(judge(&compare(&stored, &sent), Thresholds::default()), Verdict::Match);
        stored = sent.update(&stored);
        assert_eq!(stored.weight(), 15);
        assert!(stored.can_bind());
    }
}

#[test]
fn a_light_baseline_is_judged_by_its_families_only() {
    let light =
        json!({"os": "Linux", "browser": "Firefox", "hardwareConcurrency": 6, "screenPrint": "big", "cpu": "arm"});
    assert_eq!(baseline(&light).weight(), 5);
    assert!(!baseline(&light).can_bind());
    let stranger = json!({"os": "Linux", "browser": "Firefox", "language": "fr"});
    assert_eq!(verdict(&light, &light), Verdict::Unjudged);
    assert_eq!(verdict(&light, &stranger), Verdict::Unjudged);
    assert_eq!(verdict(&light, &with(&light, &json!({"browser": "Chrome"}))), Verdict::Mismatch);
    assert_eq!(verdict(&light, &json!({})), Verdict::Mismatch);

    let enough = with(&light, &json!({"canvasPrint": "x"}));
    assert!(baseline(&enough).can_bind());
    assert_eq!(verdict(&enough, &enough), Verdict::Match);
    assert_eq!(verdict(&enough, &stranger), Verdict::Mismatch);
}

#[test]
fn an_empty_baseline_is_never_judged_and_an_empty_fingerprint_never_matches() {
    for nothing in [json!({}), json!({"pet": "cat"}), json!({"cpu": null, "gpu": "unknown", "fonts": ", ,"})] {
        assert_eq!(baseline(&nothing), baseline(&json!({})));
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
        for (baseline, theirs) in [(&stored.first, &other.first), (&stored.second, &other.second)] {
            assert_eq!(judge(&compare(baseline, &other), Thresholds::default()), Verdict::Mismatch);
            assert!(baseline.macs.values().all(|mac| !theirs.macs.values().any(|their| their == mac)));
        }
    }
}

#[test]
fn a_thief_who_matches_a_light_baseline_adds_nothing_of_their_own_machine() {
    // Attack finding: the owner's browser draws with noise, and so has no canvas. A thief guessed the GPU, sent a canvas and
    // fonts of their own, and after one match the owner did not match any longer.
    let owner =
        with(&own_module(), &json!({"canvasPrint": null, "gpu": "a rare GPU", "fonts": null, "screenPrint": "3x2"}));
    let guess = json!({"canvasPrint": "mine", "fonts": "Bauhaus 93, Zapfino, Webdings", "screenPrint": "Current Resolution: 9x9"});
    let stored = baseline(&owner);
    let thief = seal(&with(&owner, &guess));
    let after = thief.update(&stored);
    assert!(after.macs.keys().all(|name| stored.macs.contains_key(name)), "nothing is added");
    assert_ne!(judge(&compare(&after, &seal(&owner)), Thresholds::default()), Verdict::Mismatch, "the owner stays");
}

#[test]
fn a_model_whose_machines_look_alike_is_not_bound_however_it_is_named() {
    let iphone = json!({
        "cpu": "iPhone", "canvasPrint": "cafe", "gpu": "Apple GPU", "fonts": "Arial, Helvetica Neue", "hardwareConcurrency": 4,
        "screenPrint": "Current Resolution: 393x852, Color Depth: 24",
    });
    let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.7 Mobile/15E148 Safari/604.1";
    for names in [
        json!({"os": "iOS", "browser": "Mobile Safari"}),
        json!({"os": "iOS/18.7", "browser": "MobileSafari"}),
        json!({"os": "iOS-18", "browser": "Safari/18"}),
        json!({"platform": "iPhone", "vendor": "Apple Computer, Inc."}),
        json!({"platform": {"value": "iPhone", "duration": 0}}),
        json!({"os": {"name": "iOS"}, "browser": {"name": "Mobile Safari"}, "userAgent": agent}),
        json!({"userAgent": agent}),
    ] {
        assert!(!baseline(&with(&iphone, &names)).can_bind(), "{names}");
    }
    let newer = with(&iphone, &json!({"os": "iOS/18.8", "browser": "MobileSafari"}));
    let older = with(&iphone, &json!({"os": "iOS/18.7", "browser": "MobileSafari"}));
    assert!(!compare(&baseline(&older), &seal(&newer)).veto(), "a version is no other system");
}

#[test]
fn what_the_model_determines_identifies_nothing() {
    let mac = json!({"os": "Mac OS", "browser": "Chrome", "canvasPrint": "cafe", "hardwareConcurrency": 8});
    let safari = json!({"os": "macOS", "browser": "Safari", "canvasPrint": "cafe", "gpu": "Apple GPU",
        "fonts": "American Typewriter, Apple Chancery, Zapfino", "screenPrint": "Current Resolution: 1512x982"});
    assert!(!baseline(&safari).can_bind(), "every Mac has the fonts that Safari shows");
    for chip in ["M1", "M2 Pro", "M3 Max", "M9"] {
        let gpu = json!({"gpu": format!("ANGLE (Apple, ANGLE Metal Renderer: Apple {chip}, Unspecified Version)")});
        let victim = with(&mac, &gpu);
        let thief = with(&thief_of(&victim), &gpu);
        assert_eq!(verdict(&victim, &thief), Verdict::Mismatch, "{chip}");
    }
    for group in ["Intel(R) HD Graphics, or similar", "Radeon R9 200 Series, or similar", "GeForce GTX 980, or similar"]
    {
        let victim = with(&own_module(), &json!({"os": "Windows", "browser": "Firefox", "gpu": group}));
        let thief = with(&thief_of(&victim), &json!({"gpu": group, "hardwareConcurrency": 8}));
        assert_eq!(verdict(&victim, &thief), Verdict::Mismatch, "{group}");
    }
}

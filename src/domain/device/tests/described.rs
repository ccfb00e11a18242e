//! Tests of what people are told about a fingerprint and a comparison, and of the rules behind it.

use super::{
    super::{common::tells_nothing, families::derived_family, kind::DeviceKind},
    *,
};

/// Returns the names of the components of which the predicate holds in the explanation of a fingerprint.
fn explained(value: &Value, holds: fn(&Explained) -> bool) -> Vec<&'static str> {
    let all = Fingerprint::parse(value).expect("a fingerprint").explain();
    all.into_iter().filter(holds).map(|one| one.name).collect()
}

#[test]
fn an_explanation_has_each_known_component_and_what_the_fingerprint_says_of_it() {
    let all = Fingerprint::parse(&json!({})).expect("a fingerprint").explain();
    assert_eq!(all.len(), 17);
    assert_eq!(all.iter().map(|one| one.weight).sum::<u32>(), 23);
    assert!(all.iter().all(|one| !one.is_present && !one.is_common));
    for (name, role) in [
        ("os", "veto"),
        ("gpu", "identifies"),
        ("cpu", "weighs"),
        ("touchPoints", "companion"),
        ("timezone", "ignored"),
    ] {
        assert_eq!(all.iter().find(|one| one.name == name).map(|one| one.role), Some(role), "{name}");
    }
    let sent = json!({"os": "Linux", "browser": "Firefox", "hardwareConcurrency": 8, "gpu": "a rare one"});
    assert_eq!(explained(&sent, |one| one.is_present), ["os", "browser", "gpu", "hardwareConcurrency"]);
    assert_eq!(explained(&sent, |one| one.is_common), ["hardwareConcurrency"]);
}

#[test]
fn the_canvas_of_browsers_that_all_draw_alike_is_common_and_no_other_component_is_because_of_it() {
    let rare = json!({"canvasPrint": "sha256:x", "gpu": "a rare one", "cpu": "a rare one"});
    let common = |system: &str, browser: &str| {
        explained(&with(&rare, &json!({"os": system, "browser": browser})), |one| one.is_common)
    };
    assert_eq!(common("Mac OS", "Safari"), ["canvasPrint"]);
    assert_eq!(common("iOS", "Chrome"), ["canvasPrint"]);
    assert!(common("Windows", "Chrome").is_empty());
    // FingerprintJS sends the canvas as an object.
    let drawn = json!({"canvasPrint": {"geometry": "a", "text": "b"}, "os": "Mac OS", "browser": "Safari"});
    assert_eq!(explained(&drawn, |one| one.is_common), ["canvasPrint"]);
}

#[test]
fn a_value_is_common_only_for_the_system_and_the_browser_of_its_row() {
    for (system, browser, component, text, expected) in [
        ("Windows", "Firefox", "hardwareConcurrency", "16", true),
        ("Windows", "Firefox", "hardwareConcurrency", "8", false),
        ("Windows", "Chrome", "hardwareConcurrency", "8", true),
        ("Linux", "Chrome", "hardwareConcurrency", "8", false),
        // A system or a browser that is not known may be any.
        ("", "Chrome", "hardwareConcurrency", "12", true),
        ("Windows", "", "hardwareConcurrency", "16", true),
        ("Windows", "", "hardwareConcurrency", "12", false),
        ("Windows", "Chrome", "plugins", "A plugin of my own", false),
        ("Windows", "Chrome", "plugins", "", false),
        // Each canvas of a row with all values is common, but only if the row is known to be the right one.
        ("iOS", "", "canvasPrint", "any", true),
        ("", "Safari", "canvasPrint", "any", true),
        ("", "Chrome", "canvasPrint", "any", false),
        ("Mac", "", "canvasPrint", "any", false),
    ] {
        assert_eq!(tells_nothing(system, browser, component, text), expected, "{system} {browser} {component} {text}");
    }
    let plugins = "WebKit built-in PDF, Microsoft Edge PDF Viewer, PDF Viewer, Chrome PDF Viewer,, Chromium PDF Viewer";
    assert!(tells_nothing("Linux", "Chrome", "plugins", plugins), "the order of plugins counts");
    assert!(!tells_nothing("Linux", "Chrome", "plugins", &format!("{plugins}, Another")));
}

#[test]
fn a_vendor_tells_the_browser_and_a_platform_the_system() {
    let fields = |value: Value| value.as_object().expect("an object").clone();
    let apple = fields(json!({"vendor": "Apple Computer, Inc."}));
    assert_eq!(derived_family("browser", &apple).as_deref(), Some("Safari"));
    assert_eq!(derived_family("os", &apple), None);
    let platform = fields(json!({"platform": {"value": "Win32"}}));
    assert_eq!(derived_family("os", &platform).as_deref(), Some("Windows"));
    assert_eq!(derived_family("browser", &platform), None);
}

#[test]
fn a_comparison_says_how_much_is_equal_and_names_what_is_not() {
    let stored = chromium();
    let baseline = baseline(&stored);
    let whole = score(&stored, &stored);
    assert_eq!((whole.equal(), whole.weight(), whole.is_identified()), (baseline.weight(), baseline.weight(), true));
    assert_eq!(whole.comparison(), Comparison { score: 1.0, differed: Vec::new() });

    let other = with(&stored, &json!({"canvasPrint": "another"}));
    let part = score(&stored, &other);
    assert_eq!(part.comparison().differed, ["canvasPrint"]);
    assert_eq!(part.equal(), baseline.weight() - 6);
    let hundredths = (f64::from(part.equal()) * 100.0 / f64::from(part.weight())).round();
    assert_eq!(part.comparison().score, hundredths / 100.0);
    assert!(part.is_identified());

    let nothing = score(&stored, &json!({"os": stored["os"], "browser": stored["browser"]}));
    assert_eq!((nothing.equal(), nothing.is_identified(), nothing.veto()), (0, false, false));
    assert_eq!(nothing.comparison().score, 0.0);
}

#[test]
fn the_shortened_codes_are_the_beginnings_of_the_stored_ones() {
    let sealed = baseline(&chromium());
    let stored: Value = serde_json::from_str(&sealed.to_json()).expect("JSON");
    let shortened: Vec<_> = sealed.shortened().collect();
    assert_eq!(shortened.len(), sealed.components().count());
    for (name, code) in shortened {
        assert_eq!(code.len(), 8);
        assert!(stored.to_string().contains(&format!("\"{name}\":\"{code}")), "{name} {code} {stored}");
    }
}

#[test]
fn a_change_without_weight_lets_an_update_add_components_and_one_with_weight_does_not() {
    let stored = baseline(&with(&chromium(), &json!({"fonts": null, "touchPoints": 0})));
    let without_weight = seal(&with(&chromium(), &json!({"touchPoints": 5})));
    let with_weight = seal(&with(&chromium(), &json!({"touchPoints": 0, "canvasPrint": "another"})));
    let has_fonts = |sealed: SealedFingerprint| sealed.components().any(|name| name == "fonts");
    assert!(!has_fonts(stored.clone()));
    assert!(has_fonts(without_weight.update(&stored)));
    assert!(!has_fonts(with_weight.update(&stored)));
}

#[test]
fn an_update_removes_what_tells_nothing_any_longer() {
    let of_browser = |browser: &str| json!({"os": "Windows", "browser": browser, "hardwareConcurrency": 8, "canvasPrint": "sha256:x", "gpu": "a rare one"});
    let has_cores = |sealed: &SealedFingerprint| sealed.components().any(|name| name == "hardwareConcurrency");
    let stored = baseline(&of_browser("Firefox"));
    assert!(has_cores(&stored));
    // Eight are common for Chrome on Windows.
    assert!(!has_cores(&seal(&of_browser("Chrome")).update(&stored)));
}

#[test]
fn each_kind_and_verdict_has_its_word() {
    assert_eq!(
        [DeviceKind::Phone, DeviceKind::Computer, DeviceKind::Program].map(DeviceKind::as_str),
        ["phone", "computer", "program"]
    );
    let verdicts = [Verdict::Match, Verdict::Drift, Verdict::Mismatch, Verdict::Unjudged];
    assert_eq!(verdicts.map(Verdict::as_str), ["match", "drift", "mismatch", "unjudged"]);
}

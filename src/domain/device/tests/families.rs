//! Tests of the families of systems and browsers, and of the desktop view of phones and tablets.

use super::*;

/// Returns whether a machine whose system or browser gets another name still passes.
fn passes(component: &str, one: &str, other: &str) -> bool {
    let [stored, sent] = [one, other].map(|name| with(&own_module(), &json!({component: name})));
    verdict(&stored, &sent) == Verdict::Match && verdict(&sent, &stored) == Verdict::Match
}

#[test]
fn the_names_that_parsers_give_to_one_family_are_equal() {
    let families: [(&str, &[&str]); 12] = [
        ("os", &["Mac OS", "macOS", "Mac OS X", "MAC", "mac os x 10.15.7", "Macintosh", "OS X"]),
        ("os", &["Chromium OS", "Chrome OS", "ChromeOS", "CrOS"]),
        ("os", &["Windows", "windows", "Windows 10", "Windows NT 10.0"]),
        ("os", &["Linux", "linux", "GNU/Linux", "Ubuntu", "Debian", "Fedora"]),
        ("os", &["iOS", "iPadOS", "iPhone OS", "ios 17"]),
        ("os", &["Android", "android 14"]),
        (
            "browser",
            &["Chrome", "Google Chrome", "Chromium", "Chrome Headless", "HeadlessChrome", "Mobile Chrome", "chrome"],
        ),
        ("browser", &["Firefox", "Mobile Firefox", "Mozilla Firefox", "firefox", "Firefox Focus"]),
        ("browser", &["Safari", "Mobile Safari", "safari"]),
        ("browser", &["Edge", "Microsoft Edge", "edge mobile", "MSEdge"]),
        ("browser", &["Opera", "Opera GX", "OPR"]),
        ("browser", &["Samsung Browser", "Samsung Internet", "SamsungBrowser"]),
    ];
    for (component, names) in families {
        for one in names {
            assert!(names.iter().all(|other| passes(component, one, other)), "{component}: {one}");
        }
    }
    // The first names of all families are different families.
    for (component, names) in families {
        for (of, others) in families {
            assert!(of != component || names[0] == others[0] || !passes(of, names[0], others[0]), "{}", names[0]);
        }
    }
}

#[test]
fn a_name_that_nobody_knows_is_compared_by_its_first_word_in_any_case() {
    assert!(passes("os", "Haiku R1", "haiku"));
    assert!(!passes("os", "Haiku", "Fuchsia"));
    assert!(!passes("browser", "Chrominator", "Chrome"), "a name that only begins alike");
}

#[test]
fn the_desktop_view_of_a_phone_or_tablet_is_the_same_device_if_its_touch_points_agree() {
    for (mobile, desktop) in [("Android", "Linux"), ("iOS", "Mac OS")] {
        let phone = with(&own_module(), &json!({"os": mobile, "touchPoints": 5}));
        let in_desktop_view = with(&phone, &json!({"os": desktop}));
        assert_ne!(verdict(&phone, &in_desktop_view), Verdict::Mismatch, "{mobile}");
        assert_ne!(verdict(&in_desktop_view, &phone), Verdict::Mismatch, "{desktop}");
        for points in [json!(0), json!(10), json!(null), json!("unknown")] {
            let other = with(&in_desktop_view, &json!({"touchPoints": points}));
            assert_eq!(verdict(&phone, &other), Verdict::Mismatch, "{mobile} {points}");
        }
        let windows = with(&phone, &json!({"os": "Windows"}));
        assert_eq!(verdict(&phone, &windows), Verdict::Mismatch);
    }
    // A computer without a touch screen has no other view.
    let computer = with(&own_module(), &json!({"os": "Linux", "touchPoints": 0}));
    assert_eq!(verdict(&computer, &with(&computer, &json!({"os": "Android"}))), Verdict::Mismatch);
}

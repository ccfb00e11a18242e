//! The stored form of every component, in both schemes.

use super::*;
use crate::domain::device::weights::{COMPONENTS, Scheme, stored};

/// Returns a fingerprint with all components. Each needs its normalisation: numbers, lists, versions, families and a picture.
fn whole() -> Value {
    json!({
        "os": "Mac OS X", "browser": "Mobile Firefox", "canvasPrint": canvas("golden", 300), "gpu": {"vendor": "a", "card": ["b"]},
        "fonts": "Courier New, Bauhaus 93, ", "hardwareConcurrency": 6.0, "screenPrint": " 1600x900\n", "deviceMemory": "4",
        "cpu": "riscv", "plugins": ["B", "A", "A"], "touchPoints": -0.0, "timezone": "Sa\u{303}o Paulo", "language": "pt-BR",
        "osVersion": "10_15_7", "visitorId": true, "userAgent": "x", "browserVersion": "156.0"
    })
}

/// Returns the lines `name MAC` of a stored form, after checking the number of its scheme.
fn lines(form: &SealedFingerprint, scheme: u32) -> Vec<String> {
    let form: Value = serde_json::from_str(&form.to_json()).expect("JSON");
    assert_eq!(form["v"], scheme);
    let macs = form["macs"].as_object().expect("an object");
    macs.iter().map(|(name, mac)| format!("{name} {}", mac.as_str().expect("a text"))).collect()
}

/// Returns the names of all components that a scheme stores, sorted.
fn names(scheme: Scheme) -> Vec<&'static str> {
    let mut names: Vec<_> =
        COMPONENTS.iter().map(|row| row.name).filter(|name| stored(name, scheme).is_some()).collect();
    names.sort_unstable();
    names
}

/// Returns the names in lines of the form `name MAC`.
fn first_words(lines: &[&'static str]) -> Vec<&'static str> {
    lines.iter().filter_map(|line| line.split(' ').next()).collect()
}

// Stored sealed fingerprints must remain readable after an update of the server. If one of these tests fails because the
// normalisation or the input of the MAC was changed, the change requires a new scheme.

/// The stored codes of scheme 1, of all components.
const FIRST: [&str; 15] = [
    "browser uCiMNIOzvmCx0qNoECrEbg",
    "canvasPrint Giw00QtMNrdgP8fjWMl84A",
    "cpu QiMTnPCnV62U1Tl2lSLn4w",
    "deviceMemory ujynNSG7FcUzVdkaSPQepg",
    "fonts qhwAxlfmvViTgbtJPuI9sw",
    "gpu eddv5Eq59fESV1mR-qdXQw",
    "hardwareConcurrency ZUM3Z3hzoVT5u27b3pPzoQ",
    "language Xh8oN2pFvEXpRQLzudmEgA",
    "os nll4f-ber2v_UrJl_Yoz-A",
    "osVersion abPK8o-DssfLuQQYW6HpYA",
    "plugins wrRCzw3iJ_qB1tD81GBduA",
    "screenPrint teSVm3396ku3tjaVle8Jhg",
    "timezone A0iO6peXds4tedxbS0AmoQ",
    "touchPoints fC6Us5JmOflJvOf8YwTuFg",
    "visitorId VcjJWiLIQYUQxNHeLdi43Q",
];

/// The stored codes of scheme 2, of all components.
const SECOND: [&str; 11] = [
    "browser LJSdJuVwOUBtiiArJOzyIw",
    "canvasPrint vxid8HrmLQQJMMBbKHUNzQ",
    "cpu GvWiKaEf5h9jLidu7Fl1OA",
    "deviceMemory yxVk7tgOFOub4WokCHLlYw",
    "fonts Gd0EinbBfzN-S-4KtRrXew",
    "gpu iqY_J1yivxsepYXsi4JXRA",
    "hardwareConcurrency 2OjNkX_AWChikL7pDlTwKA",
    "os R33XpK924S2BQW4iyBk7Pw",
    "plugins l_6Gt2CYHRYXGpb1280dww",
    "screenPrint CD5nJ-X7YqdYU2DsTGOL8Q",
    "touchPoints O0416iwBHpzH5Y0Uh7LgLA",
];

#[test]
fn the_stored_form_of_scheme_1_does_not_change() {
    assert_eq!(lines(&seal(&whole()).first, 1), FIRST);
    assert_eq!(first_words(&FIRST), names(Scheme::First));
}

#[test]
fn the_stored_form_of_scheme_2_does_not_change() {
    assert_eq!(lines(&seal(&whole()).second, 2), SECOND);
    assert_eq!(first_words(&SECOND), names(Scheme::Second));
    // No value of the sample is the commonest one, so the baseline has all of them.
    assert_eq!(lines(&baseline(&whole()), 2), SECOND);
}

#[test]
fn the_text_that_is_stored_has_a_fixed_order_and_spelling() {
    let stored = seal(&json!({"os": "Linux", "cpu": "amd64", "fonts": "Arial, Courier New, ", "deviceMemory": 16}));
    assert_eq!(
        stored.first.to_json(),
        r#"{"v":1,"macs":{"cpu":"muus0WKgO6M7Le670MksLA","deviceMemory":"viBrNOWCCoTVAJ3kuOUP0w","fonts":"3AB_3BkYhJkxzNSo-z1iKw","os":"gKXcWhAKTQj7rFqegqdCtg"}}"#
    );
}

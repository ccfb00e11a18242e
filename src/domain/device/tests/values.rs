//! Tests of the limits, of the normalisation of values, of the stored form and of the thresholds.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;

/// Returns whether two values of one component are equal after normalisation.
fn same(component: &str, one: &Value, other: &Value) -> bool {
    let [one, other] = [one, other].map(|value| seal(&json!({component: value})));
    one.first == other.first && one.second == other.second
}

/// Returns the error for a value that is not a fingerprint.
fn refusal(value: &Value) -> FingerprintError {
    Fingerprint::parse(value).expect_err("refused")
}

/// Returns a text inside `depth` nested arrays and objects.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!("x"), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"k": inner}) })
}

/// Returns an object with `count` fields.
fn fields(count: usize) -> Value {
    Value::Object((0..count).map(|n| (format!("field{n}"), json!(n))).collect())
}

/// Returns an object whose compact JSON has `length` bytes.
fn bytes(length: usize) -> Value {
    json!({"pad": "x".repeat(length - r#"{"pad":""}"#.len())})
}

#[test]
fn a_fingerprint_at_each_limit_is_read_and_a_larger_one_is_refused() {
    assert!(Fingerprint::parse(&fields(64)).is_ok());
    assert_eq!(refusal(&fields(65)), FingerprintError::TooManyFields(65));
    assert_eq!(refusal(&fields(200)), FingerprintError::TooManyFields(200));
    assert!(Fingerprint::parse(&bytes(49_152)).is_ok());
    assert_eq!(refusal(&bytes(49_153)), FingerprintError::TooLarge(49_153));
    assert!(Fingerprint::parse(&json!({"gpu": nested(16)})).is_ok());
    assert_eq!(refusal(&json!({"gpu": nested(17)})), FingerprintError::TooDeep);
    assert_eq!(refusal(&json!({"unknown field": nested(120)})), FingerprintError::TooDeep);
    for value in [json!(null), json!(1), json!("x"), json!(true), json!([chromium()])] {
        assert_eq!(refusal(&value), FingerprintError::NotAnObject);
    }
}

#[test]
fn the_size_limit_applies_to_the_canvas_before_it_is_hashed() {
    let drawing = with(&chromium(), &json!({"canvasPrint": canvas("large", 60_000)}));
    assert!(matches!(refusal(&drawing), FingerprintError::TooLarge(60_000..)));
}

#[test]
fn the_message_of_a_refusal_contains_the_limit() {
    assert_eq!(refusal(&json!([])).to_string(), "the fingerprint must be an object");
    assert_eq!(refusal(&fields(65)).to_string(), "the fingerprint may have at most 64 fields, this one has 65");
    assert_eq!(
        refusal(&bytes(50_000)).to_string(),
        "the fingerprint may be at most 49152 bytes long as JSON, this one is 50000"
    );
    assert_eq!(
        refusal(&json!({"a": nested(17)})).to_string(),
        "the values of the fingerprint may be nested at most 16 deep"
    );
}

#[test]
fn the_order_of_fields_and_keys_is_ignored() {
    let backwards: Map<_, _> = chromium().as_object().expect("an object").clone().into_iter().rev().collect();
    assert_eq!(seal(&Value::Object(backwards)), seal(&chromium()));
    let [one, other] =
        [r#"{"gpu":{"vendor":"x","card":{"a":1,"b":2}}}"#, r#"{"gpu":{"card":{"b":2,"a":1},"vendor":"x"}}"#];
    let parse = |text| serde_json::from_str::<Value>(text).expect("JSON");
    assert_eq!(seal(&parse(one)), seal(&parse(other)));
}

#[test]
fn equivalent_values_are_equal() {
    let equal = [
        ("deviceMemory", json!(16), json!("16")),
        ("deviceMemory", json!(16), json!(16.0)),
        ("deviceMemory", json!(0.5), json!("0.5")),
        ("touchPoints", json!(0), json!(-0.0)),
        ("cpu", json!(true), json!("true")),
        ("language", json!("en-US"), json!("  en-US\n")),
        ("timezone", json!("S\u{e3}o Paulo"), json!("Sa\u{303}o Paulo")),
        ("fonts", json!("Arial, Courier New, "), json!("Courier New,Arial")),
        ("fonts", json!("Arial, Courier New"), json!(["Courier New", "Arial", "Arial", null])),
        ("plugins", json!([{"name": "PDF"}, {"name": "B"}]), json!([{"name": "B"}, {"name": "PDF"}])),
        // Only the part before the first separator is compared.
        ("osVersion", json!("10.15.7"), json!("10_15_8")),
        ("osVersion", json!("x86_64"), json!("x86.64")),
        ("osVersion", json!(10), json!("10.0")),
        // Only the first word is compared, without a leading "Mobile".
        ("browser", json!("Chrome"), json!("Chrome Headless")),
        ("browser", json!("Safari"), json!("Mobile Safari")),
        ("os", json!("Mac OS"), json!(" Mac  OS X")),
        ("gpu", json!({"card": "x", "driver": null}), json!({"card": "x", "driver": "unknown"})),
    ];
    for (component, one, other) in equal {
        assert!(same(component, &one, &other), "{component}: {one} {other}");
    }
}

#[test]
fn different_values_are_not_equal() {
    let different = [
        ("deviceMemory", json!(16), json!(1.6)),
        ("deviceMemory", json!(16), json!([16])),
        ("deviceMemory", json!(u64::MAX), json!(u64::MAX - 1)),
        ("cpu", json!("amd64"), json!("AMD64")),
        ("cpu", json!("a,b"), json!("b,a")),
        ("cpu", json!(["a", "b"]), json!(["b", "a"])),
        ("cpu", json!("x"), json!({"x": "x"})),
        ("fonts", json!("Arial"), json!("Arial Black")),
        ("osVersion", json!("10.1"), json!("11.1")),
        ("osVersion", json!("_1"), json!("_2")),
        ("os", json!("Linux"), json!("Windows")),
        ("browser", json!("Mobile Safari"), json!("Mobile Firefox")),
        ("canvasPrint", json!("data:image/png;base64,AAAA"), json!("data:image/png;base64,AAAB")),
    ];
    for (component, one, other) in different {
        assert!(!same(component, &one, &other), "{component}: {one} {other}");
    }
}

#[test]
fn a_value_without_information_is_absent() {
    for value in [json!(null), json!(""), json!("  "), json!("unknown"), json!("undefined"), json!([]), json!({})] {
        assert!(same("gpu", &value, &json!(null)), "{value}");
    }
    assert!(same("gpu", &json!([null, ""]), &json!(null)));
    assert!(same("gpu", &json!({"a": {"b": "unknown"}}), &json!(null)));
    assert!(!same("gpu", &json!(0), &json!(null)));
    assert!(!same("gpu", &json!(false), &json!(null)));
}

#[test]
fn only_compared_components_are_kept() {
    let stored = baseline(&with(&own_module(), &json!({"email": "user@example.test"})));
    // The fonts are of the short list, and the plugins those that everybody has.
    let names = [
        "browser", "canvasPrint", "cpu", "deviceMemory", "gpu", "hardwareConcurrency", "os", "screenPrint",
        "touchPoints",
    ];
    assert_eq!(stored.components().collect::<Vec<_>>(), names);
    assert_eq!(stored.weight(), 18);
    for dropped in ["userAgent", "browserVersion", "email"] {
        assert!(!stored.macs.contains_key(dropped));
    }
}

#[test]
fn the_stored_form_is_read_back_and_contains_no_raw_value() {
    let stored = baseline(&own_module());
    let text = stored.to_json();
    assert_eq!(SealedFingerprint::from_json(&text), Ok(stored));
    assert!(text.len() <= 700, "{}", text.len());
    for (name, value) in own_module().as_object().expect("an object") {
        let raw = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        // A text of up to three characters can occur in the stored form by chance.
        assert!(raw.len() < 4 || !text.contains(&raw), "{name}");
    }
}

#[test]
fn a_damaged_stored_form_is_an_error() {
    let malformed = [
        "",
        "null",
        "[]",
        "{}",
        r#"{"v":1}"#,
        r#"{"v":"1","macs":{}}"#,
        r#"{"v":1,"macs":{},"more":1}"#,
        r#"{"v":1,"macs":{"cpu":1}}"#,
        r#"{"v":1,"macs":{"cpu":""}}"#,
        r#"{"v":1,"macs":{"cpu":"AAAA"}}"#,
        r#"{"v":1,"macs":{"pet":"AAAAAAAAAAAAAAAAAAAAAA"}}"#,
        r#"{"v":1,"macs":{"userAgent":"AAAAAAAAAAAAAAAAAAAAAA"}}"#,
        r#"{"v":1,"macs":{"cpu":"AAAAAAAAAAAAAAAAAAAAAA=="}}"#,
    ];
    for text in malformed {
        assert_eq!(SealedFingerprint::from_json(text), Err(SealedFingerprintError::Malformed), "{text}");
    }
    assert!(SealedFingerprint::from_json(r#"{"v":1,"macs":{"cpu":"AAAAAAAAAAAAAAAAAAAAAA"}}"#).is_ok());
    assert_eq!(SealedFingerprint::from_json(r#"{"v":3,"else":[]}"#), Err(SealedFingerprintError::UnknownScheme(3)));
}

#[test]
fn debug_prints_only_the_name_of_the_type() {
    let fingerprint = Fingerprint::parse(&chromium()).expect("a fingerprint");
    assert_eq!(format!("{fingerprint:?}"), "Fingerprint");
    assert_eq!(format!("{:?}", seal(&chromium())), "PresentedFingerprint");
    assert_eq!(format!("{:?}", baseline(&chromium())), "SealedFingerprint");
    assert_eq!(format!("{:?}", key()), "FingerprintKey");
}

#[test]
fn a_score_equal_to_a_threshold_reaches_it() {
    // Returns the score of the sample without the named components. The whole weight is 15.
    let lacking = |names: &[&str]| {
        let gone: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        score(&chromium(), &with(&chromium(), &Value::Object(gone)))
    };
    let twelve = lacking(&["screenPrint", "deviceMemory"]);
    let eleven = lacking(&["screenPrint", "hardwareConcurrency"]);
    for (match_from, on_twelve) in [(0.8, Verdict::Match), (0.800_001, Verdict::Drift), (0.799_999, Verdict::Match)] {
        let thresholds = Thresholds::new(match_from, 0.4).expect("thresholds");
        assert_eq!(judge(&twelve, thresholds), on_twelve, "{match_from}");
        assert_eq!(judge(&eleven, thresholds), Verdict::Drift, "{match_from}");
    }
    // 0.8 and 0.6 have no exact binary floating-point form. `judge` therefore compares whole numbers: 12 of 15 reaches 0.8,
    // and 9 of 15 reaches 0.6.
    let thresholds = Thresholds::new(0.8, 0.6).expect("thresholds");
    assert_eq!(judge(&twelve, thresholds), Verdict::Match);
    assert_eq!(judge(&lacking(&["canvasPrint"]), thresholds), Verdict::Drift);
    assert_eq!(judge(&lacking(&["canvasPrint", "deviceMemory"]), thresholds), Verdict::Mismatch);
}

#[test]
fn thresholds_that_are_out_of_range_or_contradict_each_other_are_refused() {
    for (match_from, drift_from) in [(1.0, 1.0), (0.75, 0.4), (0.5, 0.5), (0.000_001, 0.000_001)] {
        assert!(Thresholds::new(match_from, drift_from).is_ok(), "{match_from} {drift_from}");
    }
    let nan = f64::NAN;
    for (match_from, drift_from) in
        [(0.4, 0.75), (1.1, 0.4), (0.75, 0.0), (0.75, -0.4), (nan, 0.4), (0.75, nan), (f64::INFINITY, 0.4), (0.5, 1e-9)]
    {
        assert_eq!(Thresholds::new(match_from, drift_from), Err(ThresholdsError), "{match_from} {drift_from}");
    }
    assert_eq!(Thresholds::new(0.75, 0.40), Ok(Thresholds::default()));
}

#[test]
fn the_duration_of_a_component_is_ignored() {
    let component = |value: Value, duration: f64| json!({"value": value, "duration": duration});
    assert!(same("fonts", &component(json!(["Arial", "Lato"]), 3.0), &component(json!(["Arial", "Lato"]), 12.5)));
    assert!(same("fonts", &component(json!(["Arial"]), 3.0), &json!(["Arial"])));
    assert!(!same("fonts", &component(json!(["Arial"]), 3.0), &component(json!(["Lato"]), 3.0)));
    assert!(same("fonts", &json!({"error": "no canvas", "duration": 1}), &json!(null)));
}

#[test]
fn an_object_is_compared_as_a_whole_unless_it_is_the_wrapper_of_a_library() {
    assert!(same("gpu", &json!({"value": "a", "duration": 7}), &json!("a")));
    for (one, other) in [
        (json!({"value": "a", "duration": 7, "more": 1}), json!("a")),
        (json!({"value": "a", "more": 1}), json!("a")),
        (json!({"vendor": "a"}), json!({"vendor": "b"})),
        (json!({"vendor": "a", "renderer": "b"}), json!({"vendor": "a"})),
    ] {
        assert!(!same("gpu", &one, &other), "{one} {other}");
    }
    assert!(same("gpu", &json!({"vendor": "a", "renderer": null}), &json!({"vendor": "a"})));
}

#[test]
fn a_number_has_the_text_of_javascript_up_to_its_limit_and_an_exponent_beyond() {
    for (number, text) in [
        (json!(1e20), "100000000000000000000"),
        (json!(1e21), "1e21"),
        (json!(1e-7), "0.0000001"),
        (json!(1e-8), "1e-8"),
        (json!(16.0), "16"),
        (json!(-0.0), "0"),
    ] {
        assert!(same("hardwareConcurrency", &number, &json!(text)), "{text}");
    }
}

#[test]
fn noise_in_a_picture_that_changes_no_pixel_changes_nothing() {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let length = u32::try_from(data.len()).expect("a short chunk").to_be_bytes();
        [&length[..], name, data, b"sum."].concat()
    };
    let picture = |chunks: &[Vec<u8>]| {
        let bytes = [&b"\x89PNG\r\n\x1a\n"[..], &chunks.concat()].concat();
        seal(&json!({"canvasPrint": format!("data:image/png;base64,{}", STANDARD.encode(bytes))})).second
    };
    let plain = picture(&[chunk(b"IHDR", b"size"), chunk(b"IDAT", b"pixels"), chunk(b"IEND", b"")]);
    for noise in ["one", "another, longer"] {
        let noisy =
            [chunk(b"IHDR", b"size"), chunk(b"teXt", noise.as_bytes()), chunk(b"IDAT", b"pixels"), chunk(b"IEND", b"")];
        assert_eq!(picture(&noisy), plain, "{noise}");
    }
    assert_ne!(picture(&[chunk(b"IHDR", b"size"), chunk(b"IDAT", b"others"), chunk(b"IEND", b"")]), plain);
}

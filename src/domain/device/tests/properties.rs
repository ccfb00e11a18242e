//! Property tests: each test checks a statement with many generated fingerprints or texts.

use proptest::prelude::*;

use super::super::weights::{COMPONENTS, Role, Scheme, stored as row_of};
use super::*;

/// Generates JSON values of every kind, nested up to 5 levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof!["data:.{0,8}", "[a-c, ]{0,8}", "unknown"].prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".{0,4}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Generates names of known components.
fn any_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(COMPONENTS.iter().map(|component| component.name).collect::<Vec<_>>())
}

/// Generates fingerprints of known components with arbitrary values.
fn any_fingerprint() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(any_name(), any_json(), 0..18)
        .prop_map(|fields| Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

/// Generates sealed fingerprints of arbitrary components with arbitrary MACs.
fn any_sealed_fingerprint() -> impl Strategy<Value = SealedFingerprint> {
    let mac = prop::array::uniform16(0_u8..3);
    prop::collection::btree_map(
        any_name().prop_filter("a compared component", |name| row_of(name, Scheme::Second).is_some()),
        mac,
        0..16,
    )
    .prop_map(|macs| SealedFingerprint { scheme: Scheme::Second, macs })
}

/// Returns a presented fingerprint with these MACs.
fn presenting(second: SealedFingerprint) -> PresentedFingerprint {
    PresentedFingerprint { second, ..PresentedFingerprint::default() }
}

proptest! {
    #[test]
    fn no_json_value_causes_a_panic(value in any_json()) {
        if let Ok(fingerprint) = Fingerprint::parse(&value) {
            let _ = fingerprint.seal(&key(), &user()).baseline().to_json();
        }
    }

    #[test]
    fn a_fingerprint_equals_itself_and_is_read_back_from_its_json(value in any_fingerprint()) {
        let stored = baseline(&value);
        let score = compare(&stored, &seal(&value));
        prop_assert!(!score.veto());
        prop_assert!(stored.weight() == 0 || (score.value() - 1.0).abs() < f64::EPSILON);
        prop_assert_eq!(score.weight(), stored.weight());
        prop_assert_eq!(SealedFingerprint::from_json(&stored.to_json()), Ok(stored));
    }

    #[test]
    fn each_removed_or_changed_component_lowers_the_score_or_sets_the_veto(
        stored in any_sealed_fingerprint(), presented in any_sealed_fingerprint(), change in any::<bool>(),
    ) {
        let mut presented = presented;
        // About two thirds of the stored MACs are also presented.
        presented.macs.extend(stored.macs.iter().filter(|(_, mac)| mac[0] > 0));
        let before = compare(&stored, &presenting(presented.clone()));
        for name in stored.macs.keys().filter(|name| presented.macs.get(*name) == stored.macs.get(*name)) {
            let mut worse = presented.clone();
            if change {
                // The generator uses the bytes 0 to 2, so this MAC differs from all generated MACs.
                worse.macs.insert(name, [9; 16]);
            } else {
                worse.macs.remove(name);
            }
            let after = compare(&stored, &presenting(worse));
            prop_assert_eq!(after.weight(), before.weight());
            match row_of(name, Scheme::Second).expect("a stored component").role {
                Role::Weighted(_) | Role::Identifying(_) => prop_assert!(after.value() < before.value()),
                Role::Veto => prop_assert!(after.veto()),
                Role::Companion | Role::Ignored => prop_assert_eq!(after.value(), before.value()),
            }
        }
    }

    #[test]
    fn components_that_the_baseline_lacks_do_not_change_the_score(
        stored in any_sealed_fingerprint(), presented in any_sealed_fingerprint(),
    ) {
        let mut less = presented.clone();
        less.macs.retain(|name, _| stored.macs.contains_key(name));
        prop_assert_eq!(compare(&stored, &presenting(presented)), compare(&stored, &presenting(less)));
    }

    #[test]
    fn each_component_that_becomes_equal_improves_the_verdict_or_keeps_it(
        stored in any_sealed_fingerprint(), presented in any_sealed_fingerprint(),
        match_from in 0.01..1.0_f64, share in 0.01..1.0_f64,
    ) {
        let thresholds = Thresholds::new(match_from, match_from * share).expect("valid thresholds");
        let rank = |verdict| match verdict {
            Verdict::Mismatch => 0,
            Verdict::Drift => 1,
            // An unjudged fingerprint passes like a match.
            Verdict::Match | Verdict::Unjudged => 2,
        };
        let mut better = presented.clone();
        for (name, mac) in &stored.macs {
            let before = rank(judge(&compare(&stored, &presenting(better.clone())), thresholds));
            better.macs.insert(name, *mac);
            prop_assert!(rank(judge(&compare(&stored, &presenting(better.clone())), thresholds)) >= before);
        }
        prop_assert_eq!(rank(judge(&compare(&stored, &presenting(better)), thresholds)), 2);
    }

    #[test]
    fn an_update_replaces_what_the_baseline_has_and_adds_only_if_all_of_it_is_equal(
        stored in any_sealed_fingerprint(), presented in any_sealed_fingerprint(),
    ) {
        let presented = presenting(presented);
        let updated = presented.update(&stored);
        prop_assert!(updated.weight() >= stored.weight());
        let own = presented.baseline();
        let all_are_equal = {
            let score = compare(&stored, &presented);
            score.weight() == 0 || score.value() > 1.0 - f64::EPSILON
        };
        for (name, mac) in &own.macs {
            if all_are_equal || stored.macs.contains_key(name) {
                prop_assert_eq!(updated.macs.get(name), Some(mac));
            } else {
                prop_assert_eq!(updated.macs.get(name), None);
            }
        }
    }

    #[test]
    fn the_sealed_fingerprints_of_two_users_have_no_common_mac(value in any_fingerprint(), one: u128, other: u128) {
        prop_assume!(one != other);
        let fingerprint = Fingerprint::parse(&value).expect("within the limits");
        let [one, other] = [one, other].map(|id| fingerprint.seal(&key(), &Uuid::from_u128(id)));
        for (one, other) in [(&one.first, &other.first), (&one.second, &other.second)] {
            prop_assert_eq!(one.macs.len(), other.macs.len());
            prop_assert!(one.macs.values().all(|mac| !other.macs.values().any(|theirs| theirs == mac)));
        }
    }

    #[test]
    fn no_text_causes_a_panic(text in prop_oneof![".{0,200}", "\\PC{0,50}(Chrome|Edg|Opera|curl|Version)/.{0,20}"]) {
        let _ = SealedFingerprint::from_json(&text);
        let _ = DeviceSecret::parse(&text);
        if let Some(name) = DeviceName::from_user_agent(&text) {
            prop_assert!(name.as_str().is_ascii() && name.as_str().len() <= 50);
        }
        if let Ok(name) = DeviceName::parse(&text) {
            prop_assert_eq!(DeviceName::parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn the_text_of_a_secret_is_read_and_written_unchanged(bytes: [u8; 32]) {
        let text = DeviceSecret::from_bytes(bytes).reveal();
        prop_assert_eq!(DeviceSecret::parse(&text).expect("the text of a secret").reveal(), text);
    }
}

//! Property tests: statements that are true for every fingerprint and every text.

use proptest::prelude::*;

use super::super::weights::{COMPONENTS, Role, compared};
use super::*;

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

fn any_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(COMPONENTS.iter().map(|component| component.name).collect::<Vec<_>>())
}

/// Generates fingerprints of known components with arbitrary values.
fn any_fingerprint() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(any_name(), any_json(), 0..18)
        .prop_map(|fields| Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

/// Generates sealed fingerprints of arbitrary components with arbitrary MACs.
fn any_baseline() -> impl Strategy<Value = SealedFingerprint> {
    let mac = prop::array::uniform16(0_u8..3);
    prop::collection::btree_map(any_name().prop_filter("kept", |name| compared(name).is_some()), mac, 0..16)
        .prop_map(|macs| SealedFingerprint { macs })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(value in any_json()) {
        if let Ok(fingerprint) = Fingerprint::parse(&value) {
            let _ = fingerprint.seal(&key(), &user()).to_json();
        }
    }

    #[test]
    fn a_fingerprint_equals_itself_and_survives_the_database(value in any_fingerprint()) {
        let stored = seal(&value);
        let score = compare(&stored, &seal(&value));
        prop_assert!(!score.veto());
        prop_assert!(stored.weight() == 0 || (score.value() - 1.0).abs() < f64::EPSILON);
        prop_assert_eq!(score.weight(), stored.weight());
        prop_assert_eq!(SealedFingerprint::from_json(&stored.to_json()), Ok(stored));
    }

    #[test]
    fn the_score_falls_with_every_component_taken_away_or_changed(
        stored in any_baseline(), presented in any_baseline(), change in any::<bool>(),
    ) {
        let mut presented = presented;
        presented.macs.extend(stored.macs.iter().filter(|(_, mac)| mac[0] > 0));
        let before = compare(&stored, &presented);
        for name in stored.macs.keys().filter(|name| presented.macs.get(*name) == stored.macs.get(*name)) {
            let mut worse = presented.clone();
            if change {
                worse.macs.insert(name, [9; 16]);
            } else {
                worse.macs.remove(name);
            }
            let after = compare(&stored, &worse);
            prop_assert_eq!(after.weight(), before.weight());
            match compared(name).expect("kept").role {
                Role::Weighted(_) => prop_assert!(after.value() < before.value()),
                _ => prop_assert!(after.veto()),
            }
        }
    }

    #[test]
    fn what_only_the_request_has_changes_nothing(stored in any_baseline(), presented in any_baseline()) {
        let mut less = presented.clone();
        less.macs.retain(|name, _| stored.macs.contains_key(name));
        prop_assert_eq!(compare(&stored, &presented), compare(&stored, &less));
    }

    #[test]
    fn a_better_score_never_gets_a_worse_verdict(
        stored in any_baseline(), presented in any_baseline(), match_from in 0.01..1.0_f64, share in 0.01..1.0_f64,
    ) {
        let thresholds = Thresholds::new(match_from, match_from * share).expect("in order");
        let rank = |verdict| match verdict {
            Verdict::Mismatch => 0,
            Verdict::Drift => 1,
            Verdict::Match | Verdict::Unjudged => 2,
        };
        let mut better = presented.clone();
        for (name, mac) in &stored.macs {
            let before = rank(judge(compare(&stored, &better), thresholds));
            better.macs.insert(name, *mac);
            prop_assert!(rank(judge(compare(&stored, &better), thresholds)) >= before);
        }
        prop_assert_eq!(rank(judge(compare(&stored, &better), thresholds)), 2);
    }

    #[test]
    fn a_renewed_baseline_matches_what_renewed_it_and_is_never_lighter(
        stored in any_baseline(), presented in any_baseline(),
    ) {
        let renewed = stored.updated_by(&presented);
        prop_assert!(renewed.weight() >= stored.weight());
        prop_assert!(!compare(&presented, &renewed).veto());
        prop_assert_eq!(compare(&presented, &renewed), compare(&presented, &presented));
    }

    #[test]
    fn two_users_of_one_machine_have_nothing_in_common(value in any_fingerprint(), one: u128, other: u128) {
        prop_assume!(one != other);
        let fingerprint = Fingerprint::parse(&value).expect("within the limits");
        let [one, other] = [one, other].map(|id| fingerprint.seal(&key(), &Uuid::from_u128(id)));
        prop_assert_eq!(one.macs.len(), other.macs.len());
        prop_assert!(one.macs.values().all(|mac| !other.macs.values().any(|theirs| theirs == mac)));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in prop_oneof![".{0,200}", "\\PC{0,50}(Chrome|Edg|Opera|curl|Version)/.{0,20}"]) {
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
    fn a_secret_has_one_text(bytes: [u8; 32]) {
        let text = DeviceSecret::from_bytes(bytes).reveal();
        prop_assert_eq!(DeviceSecret::parse(&text).expect("our own text").reveal(), text);
    }
}

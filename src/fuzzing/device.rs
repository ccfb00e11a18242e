//! Fingerprints of browsers.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::input::line;
use crate::domain::{
    UnixTime, UserId,
    device::{
        Fingerprint, FingerprintKey, PresentedFingerprint, SealedFingerprint, Thresholds, Verdict, compare, judge,
    },
};

/// The baselines of the recorded browsers.
static BASELINES: LazyLock<Vec<SealedFingerprint>> = LazyLock::new(|| {
    let recorded: Map<String, Value> =
        serde_json::from_str(include_str!("../../tests/fixtures/fingerprints.json")).expect("the fixture is JSON");
    recorded.values().filter_map(sealed).map(|presented| presented.baseline()).collect()
});

/// Reads a line that selects fields, and a fingerprint in JSON. A fingerprint equals itself, a part of a fingerprint never
/// scores higher than the whole, and the stored form is read again.
pub fn fingerprint(data: &[u8]) {
    let (selected, json) = line(data);
    let Ok(value) = serde_json::from_slice::<Value>(json) else { return };
    let Ok(parsed) = Fingerprint::parse(&value) else { return };
    assert!(parsed.explain().iter().all(|component| component.is_present || !component.is_common));
    let whole = sealed(&value).expect("it was read before");
    let baseline = whole.baseline();
    assert_eq!(SealedFingerprint::from_json(&baseline.to_json()).as_ref(), Ok(&baseline));
    assert!(baseline.to_json().len() <= 700, "the stored form is short");
    let own = compare(&baseline, &whole);
    assert!(!own.veto() && own.equal() == own.weight() && own.comparison().differed.is_empty(), "it equals itself");
    assert!(matches!(judge(&own, thresholds()), Verdict::Match | Verdict::Unjudged));
    assert!(whole.update(&baseline) == baseline, "an equal fingerprint changes no baseline");

    let part = part(&value, selected);
    let part = sealed(&part).expect("a part of a fingerprint is one");
    for baseline in BASELINES.iter().chain([&baseline]) {
        let [of_whole, of_part] = [&whole, &part].map(|presented| compare(baseline, presented));
        assert!(of_part.equal() <= of_whole.equal(), "a part scores no higher");
        assert!(of_part.veto() || !of_whole.veto(), "a part evades no veto");
        assert!(of_whole.is_identified() || !of_part.is_identified());
        let rank = |verdict| match verdict {
            Verdict::Mismatch => 0,
            Verdict::Drift => 1,
            Verdict::Match | Verdict::Unjudged => 2,
        };
        let [whole, part] = [&of_whole, &of_part].map(|score| rank(judge(score, thresholds())));
        assert!(part <= whole, "a part passes no more easily");
    }
}

fn thresholds() -> Thresholds {
    Thresholds::new(0.8, 0.5).expect("thresholds")
}

/// Returns a fingerprint that is sealed for a fixed user. `None` if the value is not a fingerprint.
fn sealed(value: &Value) -> Option<PresentedFingerprint> {
    let user = UserId::new(UnixTime::from_seconds(1), [1; 10]);
    Some(Fingerprint::parse(value).ok()?.seal(&FingerprintKey::from_bytes([7; 32]), user.uuid()))
}

/// Returns the fields whose bits are set in `selected`.
fn part(value: &Value, selected: &[u8]) -> Value {
    let fields = value.as_object().into_iter().flatten().enumerate();
    let is_selected =
        |at: usize| selected.get(at / 8 % selected.len().max(1)).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    fields.filter(|(at, _)| is_selected(*at)).map(|(_, (name, value))| (name.clone(), value.clone())).collect()
}

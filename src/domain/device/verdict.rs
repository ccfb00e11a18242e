//! The comparison of two sealed fingerprints, and the verdict on the result.
//!
//! Invariant: the score is 1 if all weighted components of the baseline are equal, and falls with every weighted
//! component that is changed or missing. A component that only the request has never raises the score. So an attacker
//! who sends some of the recorded fields gets only the score of these fields.

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::sealed_fingerprint::SealedFingerprint;
use super::weights::{COMPONENTS, MIN_WEIGHT, Role};

/// The result of a comparison: the weight of the equal components, the weight of the baseline, and whether there is a
/// veto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    equal: u32,
    weight: u32,
    veto: bool,
}

impl Score {
    /// Returns the weight of the equal components divided by the weight of the baseline, 0.0 to 1.0. Returns 0.0 if the
    /// baseline has no weight. This value is for the log only: [`judge`] compares whole numbers.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.weight == 0 { 0.0 } else { f64::from(self.equal) / f64::from(self.weight) }
    }

    /// Returns whether a family that the baseline has is different or missing: the family of the operating system or of
    /// the browser.
    #[must_use]
    pub fn veto(self) -> bool {
        self.veto
    }

    /// Returns the weight of the baseline, 0 to 20.
    #[must_use]
    pub fn weight(self) -> u32 {
        self.weight
    }
}

/// Compares the fingerprint of a request with the baseline of its session. Both must be sealed for the same user with
/// the same key.
#[must_use]
pub fn compare(baseline: &SealedFingerprint, presented: &SealedFingerprint) -> Score {
    let mut score = Score { equal: 0, weight: 0, veto: false };
    for component in &COMPONENTS {
        let Some(kept) = baseline.macs.get(component.name) else { continue };
        // A missing component counts as different, so that a client gains nothing if it omits the component.
        let presented_mac = presented.macs.get(component.name);
        let same = presented_mac.is_some_and(|mac| mac.ct_eq(kept).into());
        match component.role {
            Role::Veto => score.veto |= !same,
            Role::Weighted(weight) => {
                score.weight += weight;
                score.equal += if same { weight } else { 0 };
            }
            Role::Ignored => {}
        }
    }
    score
}

/// The verdict on a score under the configured thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The score reaches `fingerprint_match`: the device is the same. The baseline is updated
    /// ([`SealedFingerprint::updated_by`]).
    Match,
    /// The score reaches `fingerprint_drift`, but not `fingerprint_match`. The request passes and the drift is
    /// recorded. The baseline is not updated, so that an attacker cannot change the baseline step by step.
    Drift,
    /// The score is lower than `fingerprint_drift`, or there is a veto: the device is a different device.
    Mismatch,
    /// The baseline has a weight of less than `MIN_WEIGHT`, and there is no veto. The session counts as not bound to a
    /// device.
    Unjudged,
}

/// The scores from which a fingerprint matches (`fingerprint_match`) and from which it passes as drift
/// (`fingerprint_drift`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    match_millionths: u64,
    drift_millionths: u64,
}

const MILLION: f64 = 1e6;

impl Thresholds {
    /// Returns thresholds if 0 < `drift_from` ≤ `match_from` ≤ 1. They are rounded to a millionth, so that 0.75 of a
    /// weight of 16 is exactly 12.
    ///
    /// # Errors
    /// [`ThresholdsError`] for any other values, including NaN. A `drift_from` of 0 would accept every machine with the
    /// same browser. To switch the check off, an operator sets `fingerprint_policy`.
    pub fn new(match_from: f64, drift_from: f64) -> Result<Self, ThresholdsError> {
        let [match_millionths, drift_millionths] = [match_from, drift_from].map(millionths);
        if !(drift_from <= match_from && match_from <= 1.0 && drift_millionths > 0) {
            return Err(ThresholdsError);
        }
        Ok(Self { match_millionths, drift_millionths })
    }
}

/// Returns a number from 0 to 1 in millionths, rounded. NaN and negative numbers become 0, which the caller rejects.
fn millionths(share: f64) -> u64 {
    (share * MILLION).round() as u64
}

impl Default for Thresholds {
    /// Returns 0.75 and 0.40, the thresholds for which the weights were measured.
    fn default() -> Self {
        Self { match_millionths: 750_000, drift_millionths: 400_000 }
    }
}

/// The error for thresholds that contradict each other or are outside the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the settings must satisfy 0 < fingerprint_drift <= fingerprint_match <= 1")]
pub struct ThresholdsError;

/// Returns the verdict on a score. A veto is always a mismatch, even if the baseline has a weight of less than
/// `MIN_WEIGHT`.
#[must_use]
pub fn judge(score: Score, thresholds: Thresholds) -> Verdict {
    let reaches = |millionths: u64| u64::from(score.equal) * 1_000_000 >= millionths * u64::from(score.weight);
    if score.veto {
        Verdict::Mismatch
    } else if score.weight < MIN_WEIGHT {
        Verdict::Unjudged
    } else if reaches(thresholds.match_millionths) {
        Verdict::Match
    } else if reaches(thresholds.drift_millionths) {
        Verdict::Drift
    } else {
        Verdict::Mismatch
    }
}

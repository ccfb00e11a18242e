//! How alike two sealed fingerprints are, and what follows from it.
//!
//! Invariant: the score is 1 on equality and falls with every weighed component that is changed or left out; what only
//! the request has never raises it. So every selection of recorded fields that a thief sends scores as it deserves.

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::sealed_fingerprint::SealedFingerprint;
use super::weights::{COMPONENTS, LEAST_WEIGHT, Role};

/// How much of a baseline a presented fingerprint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    equal: u32,
    weight: u32,
    veto: bool,
}

impl Score {
    /// Weight of the equal components ÷ weight of all in the baseline, 0.0 to 1.0; 0.0 if the baseline has none. For the
    /// record: [`judge`] compares whole numbers.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.weight == 0 { 0.0 } else { f64::from(self.equal) / f64::from(self.weight) }
    }

    /// Whether the operating-system or browser family is another than the baseline's, or was left out.
    #[must_use]
    pub fn veto(self) -> bool {
        self.veto
    }

    /// The weight of the baseline, 0 to 20.
    #[must_use]
    pub fn weight(self) -> u32 {
        self.weight
    }
}

/// Compares what a request presents with what the session has, both sealed for the same user under the same key.
#[must_use]
pub fn compare(baseline: &SealedFingerprint, presented: &SealedFingerprint) -> Score {
    let mut score = Score { equal: 0, weight: 0, veto: false };
    for component in &COMPONENTS {
        let Some(kept) = baseline.macs.get(component.name) else { continue };
        // Absent is unequal: leaving a field out must not help.
        let given = presented.macs.get(component.name);
        let same = given.is_some_and(|given| given.ct_eq(kept).into());
        match component.role {
            Role::Veto => score.veto |= !same,
            Role::Weighs(weight) => {
                score.weight += weight;
                score.equal += if same { weight } else { 0 };
            }
            Role::Shown => {}
        }
    }
    score
}

/// What a score means under the configured thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same device; its baseline is renewed ([`SealedFingerprint::updated_by`]).
    Match,
    /// Passes and is recorded; the baseline stays, so that nobody walks it step by step.
    Drift,
    /// Another device.
    Mismatch,
    /// The baseline is too light to be judged and its families, if it has them, agree. The session counts as unbound.
    Unjudged,
}

/// From which score up a fingerprint matches (`fingerprint_match`) and from which it passes (`fingerprint_drift`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    match_millionths: u64,
    drift_millionths: u64,
}

const MILLION: f64 = 1e6;

impl Thresholds {
    /// Takes 0 < `drift_from` ≤ `match_from` ≤ 1, exact to a millionth: 0.75 of a weight of 16 is 12 and not a hair more.
    ///
    /// # Errors
    /// [`ThresholdsError`] for anything else, NaN among it. 0 would let every machine with the same browser pass, and to
    /// not judge at all is the business of `fingerprint_policy`.
    pub fn new(match_from: f64, drift_from: f64) -> Result<Self, ThresholdsError> {
        let [match_millionths, drift_millionths] = [match_from, drift_from].map(millionths);
        if !(drift_from <= match_from && match_from <= 1.0 && drift_millionths > 0) {
            return Err(ThresholdsError);
        }
        Ok(Self { match_millionths, drift_millionths })
    }
}

/// NaN and what is negative become 0, as `as` converts; the caller refuses these.
fn millionths(share: f64) -> u64 {
    (share * MILLION).round() as u64
}

impl Default for Thresholds {
    /// 0.75 and 0.40; the table of weights was measured against these.
    fn default() -> Self {
        Self { match_millionths: 750_000, drift_millionths: 400_000 }
    }
}

/// The thresholds contradict each other or the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it must hold that 0 < fingerprint_drift <= fingerprint_match <= 1")]
pub struct ThresholdsError;

/// The verdict on a score. A veto decides first, also for a baseline that is too light for anything else.
#[must_use]
pub fn judge(score: Score, thresholds: Thresholds) -> Verdict {
    let reaches = |millionths: u64| u64::from(score.equal) * 1_000_000 >= millionths * u64::from(score.weight);
    if score.veto {
        Verdict::Mismatch
    } else if score.weight < LEAST_WEIGHT {
        Verdict::Unjudged
    } else if reaches(thresholds.match_millionths) {
        Verdict::Match
    } else if reaches(thresholds.drift_millionths) {
        Verdict::Drift
    } else {
        Verdict::Mismatch
    }
}

//! The comparison of two sealed fingerprints, and the verdict on the result.
//!
//! Invariant: the score is 1 if all weighted components of the baseline are equal, and falls with every weighted component
//! that is changed or missing. Without an equal component that identifies the device nothing passes. A component that only
//! the request has never raises the score. So an attacker who sends some of the recorded fields gets only the score of
//! these fields.

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::presented::PresentedFingerprint;
use super::sealed_fingerprint::{ComponentMac, SealedFingerprint};
use super::weights::{COMPONENTS, Component, Role, Scheme};

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The weight of the equal components, and of the baseline.
    equal: u32,
    weight: u32,
    /// Whether a family is different or missing.
    veto: bool,
    /// Whether the baseline can tell the device from others, and whether an identifying component is equal.
    binds: bool,
    identified: bool,
    /// Whether the baseline is of scheme 1.
    is_first: bool,
    differed: Vec<&'static str>,
}

impl Score {
    /// Returns the weight of the equal components divided by the weight of the baseline, 0.0 to 1.0. Returns 0.0 if the
    /// baseline has no weight. This value is for people: [`judge`] compares whole numbers.
    #[must_use]
    pub fn value(&self) -> f64 {
        if self.weight == 0 { 0.0 } else { f64::from(self.equal) / f64::from(self.weight) }
    }

    /// Returns whether a family that the baseline has is different or missing: the family of the operating system or of
    /// the browser.
    #[must_use]
    pub fn veto(&self) -> bool {
        self.veto
    }

    /// Returns the weight of the baseline, 0 to 23.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// Returns the weight of the equal components, 0 to the weight of the baseline.
    #[must_use]
    pub fn equal(&self) -> u32 {
        self.equal
    }

    /// Returns whether a component that identifies the device is equal. Without one, nothing passes.
    #[must_use]
    pub fn is_identified(&self) -> bool {
        self.identified
    }

    /// Returns what the comparison found, for the audit log and for people who develop with the server.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        Comparison { score: (self.value() * 100.0).round() / 100.0, differed: self.differed.clone() }
    }
}

/// What the comparison of a fingerprint with its baseline found.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The share of the baseline that is equal, 0.0 to 1.0, in hundredths.
    pub score: f64,
    /// The names of the components that are different or missing.
    pub differed: Vec<&'static str>,
}

/// Compares the fingerprint of a request with the baseline of its session. Both must be sealed for the same user with
/// the same key.
#[must_use]
pub fn compare(baseline: &SealedFingerprint, presented: &PresentedFingerprint) -> Score {
    let scheme = baseline.scheme;
    let mut score = Score {
        equal: 0,
        weight: baseline.weight(),
        veto: false,
        binds: baseline.can_bind(),
        identified: scheme == Scheme::First,
        is_first: scheme == Scheme::First,
        differed: Vec::new(),
    };
    for component in &COMPONENTS {
        let Some(kept) = baseline.macs.get(component.name) else { continue };
        let role = component.role_in(scheme);
        // A missing component counts as different, so that a client gains nothing if it omits the component.
        let same = candidates(component, baseline, presented).any(|mac| mac.ct_eq(kept).into());
        match role {
            Role::Veto => score.veto |= !same,
            Role::Identifying(weight) | Role::Weighted(weight) => {
                score.equal += if same { weight } else { 0 };
                score.identified |= same && matches!(role, Role::Identifying(_));
            }
            Role::Companion | Role::Ignored => continue,
        }
        if !same {
            score.differed.push(component.name);
        }
    }
    score
}

/// Returns the MACs of a component of a request, one of which must be that of the baseline: of its value, and of the other
/// names of its family.
fn candidates<'p>(
    component: &Component,
    baseline: &SealedFingerprint,
    presented: &'p PresentedFingerprint,
) -> impl Iterator<Item = &'p ComponentMac> {
    let sealed = match baseline.scheme {
        Scheme::First => &presented.first,
        Scheme::Second => &presented.second,
    };
    let other_names =
        (baseline.scheme == Scheme::First).then(|| presented.first_families.get(component.name)).flatten();
    // The desktop view of a phone or a tablet is the same device if its touch points agree.
    let touch = |macs: &'p std::collections::BTreeMap<&'static str, ComponentMac>| macs.get("touchPoints");
    let touch_agrees = touch(&presented.second.macs)
        .zip(baseline.macs.get("touchPoints"))
        .is_some_and(|(presented, kept)| presented.ct_eq(kept).into());
    let is_other_view = component.name == "os" && baseline.scheme == Scheme::Second && touch_agrees;
    let other_view = presented.system_in_the_other_view.as_ref().filter(|_| is_other_view);
    sealed.macs.get(component.name).into_iter().chain(other_names.into_iter().flatten()).chain(other_view)
}

/// The verdict on a score under the configured thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The score reaches `fingerprint_match`: the device is the same. The baseline is updated
    /// ([`PresentedFingerprint::update`]).
    Match,
    /// The score reaches `fingerprint_drift`, but not `fingerprint_match`. The request passes and the drift is
    /// recorded. The baseline is not updated, so that an attacker cannot change the baseline step by step.
    Drift,
    /// The score is lower than `fingerprint_drift`, no identifying component is equal, or there is a veto: the device is a
    /// different device.
    Mismatch,
    /// The baseline can't tell the device from others, and there is no veto. The session counts as not bound to a device.
    Unjudged,
}

impl Verdict {
    /// Returns the word for the verdict.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Drift => "drift",
            Self::Mismatch => "mismatch",
            Self::Unjudged => "unjudged",
        }
    }
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

/// The threshold of drift for which the weights of scheme 1 were measured, in millionths.
const FIRST_DRIFT: u64 = 400_000;

/// Returns the verdict on a score. A veto is always a mismatch, even if the baseline can't tell the device from others.
#[must_use]
pub fn judge(score: &Score, thresholds: Thresholds) -> Verdict {
    let reaches = |millionths: u64| u64::from(score.equal) * 1_000_000 >= millionths * u64::from(score.weight);
    let drift = thresholds.drift_millionths;
    if score.veto {
        Verdict::Mismatch
    } else if !score.binds {
        Verdict::Unjudged
    } else if !score.identified {
        Verdict::Mismatch
    } else if reaches(thresholds.match_millionths) {
        Verdict::Match
    } else if reaches(if score.is_first { drift.min(FIRST_DRIFT) } else { drift }) {
        Verdict::Drift
    } else {
        Verdict::Mismatch
    }
}

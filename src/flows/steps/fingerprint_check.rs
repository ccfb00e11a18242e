//! The comparison of the fingerprint that a refresh presents with the sealed fingerprint of its session.

use crate::{
    config::FingerprintPolicy,
    domain::{
        audit_event::Event,
        device::{self, Fingerprint, SealedFingerprint, Verdict},
        rotation::Binding,
        session::Session,
    },
    flows::Vestibule,
};

/// What the fingerprint of this refresh says beside the session's baseline.
pub(in crate::flows) struct FingerprintCheck {
    pub binding: Binding,
    verdict: Verdict,
    /// The baseline after a match; what it was, otherwise.
    pub baseline: Option<SealedFingerprint>,
    score: f64,
}

impl FingerprintCheck {
    pub(in crate::flows) fn of(vestibule: &Vestibule, session: &Session, fingerprint: Option<&Fingerprint>) -> Self {
        let policy = vestibule.config.devices.fingerprint;
        let unbound = Self {
            binding: Binding::Matches,
            verdict: Verdict::Unjudged,
            baseline: session.fingerprint.clone(),
            score: 1.0,
        };
        let Some(baseline) = session.fingerprint.as_ref().filter(|_| policy != FingerprintPolicy::Off) else {
            return unbound;
        };
        // None given is the same as one in which everything is missing.
        let presented = vestibule.seal_fingerprint(fingerprint, session.user_id).unwrap_or_default();
        let score = device::compare(baseline, &presented);
        let verdict = device::judge(score, vestibule.thresholds);
        let refused = verdict == Verdict::Mismatch && policy != FingerprintPolicy::Log;
        Self {
            binding: if refused { Binding::Mismatched } else { Binding::Matches },
            verdict,
            baseline: Some(if verdict == Verdict::Match { baseline.updated_by(&presented) } else { baseline.clone() }),
            score: score.value(),
        }
    }

    /// What the log keeps of a refresh that went through.
    pub(in crate::flows) fn event(&self) -> Option<(Event, f64)> {
        match self.verdict {
            Verdict::Drift => Some((Event::DeviceDrift, self.score)),
            Verdict::Mismatch => Some((Event::DeviceMismatch, self.score)),
            Verdict::Match | Verdict::Unjudged => None,
        }
    }
}

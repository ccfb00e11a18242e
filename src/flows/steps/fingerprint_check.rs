//! The comparison of the fingerprint that a refresh presents with the sealed fingerprint of its session.

use crate::{
    config::FingerprintPolicy,
    domain::{
        audit_event::Event,
        device::{self, Fingerprint, SealedFingerprint, Verdict},
        rotation::DeviceMatch,
        session::Session,
    },
    flows::Vestibule,
};

/// The result of the comparison of a presented fingerprint with the sealed fingerprint of the session.
pub(in crate::flows) struct FingerprintCheck {
    /// Whether the refresh may continue. A mismatch under the policy `log` counts as [`DeviceMatch::Matches`].
    pub binding: DeviceMatch,
    verdict: Verdict,
    /// The sealed fingerprint to store: updated if the presented fingerprint matched, and unchanged otherwise.
    pub sealed: Option<SealedFingerprint>,
    /// The share of the sealed fingerprint that matched, 0.0 to 1.0.
    score: f64,
}

impl FingerprintCheck {
    /// Compares `fingerprint` with the sealed fingerprint of the session. If the session has no sealed fingerprint, or if
    /// `fingerprint_policy` is `off`, the verdict is [`Verdict::Unjudged`].
    pub(in crate::flows) fn of(vestibule: &Vestibule, session: &Session, fingerprint: Option<&Fingerprint>) -> Self {
        let policy = vestibule.config.devices.fingerprint;
        let unbound = Self {
            binding: DeviceMatch::Matches,
            verdict: Verdict::Unjudged,
            sealed: session.fingerprint.clone(),
            score: 1.0,
        };
        let Some(baseline) = session.fingerprint.as_ref().filter(|_| policy != FingerprintPolicy::Off) else {
            return unbound;
        };
        // A missing fingerprint counts as a fingerprint without components, so it can't match a bound session.
        let presented = vestibule.seal_fingerprint(fingerprint, session.user_id).unwrap_or_default();
        let score = device::compare(baseline, &presented);
        let verdict = device::judge(score, vestibule.thresholds);
        // Under the policy `log` a mismatch is recorded, and the refresh is permitted.
        let refused = verdict == Verdict::Mismatch && policy != FingerprintPolicy::Log;
        Self {
            binding: if refused { DeviceMatch::Mismatched } else { DeviceMatch::Matches },
            verdict,
            sealed: Some(if verdict == Verdict::Match { baseline.updated_by(&presented) } else { baseline.clone() }),
            score: score.value(),
        }
    }

    /// Returns the audit event of a permitted refresh, and the score that the event records. Returns `None` if the fingerprint
    /// matched or was not judged.
    pub(in crate::flows) fn event(&self) -> Option<(Event, f64)> {
        match self.verdict {
            Verdict::Drift => Some((Event::DeviceDrift, self.score)),
            Verdict::Mismatch => Some((Event::DeviceMismatch, self.score)),
            Verdict::Match | Verdict::Unjudged => None,
        }
    }
}

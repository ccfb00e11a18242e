//! The comparison of the fingerprint that a refresh presents with the sealed fingerprint of its session.

use crate::{
    config::FingerprintPolicy,
    domain::{
        audit_event::Event,
        device::{self, Comparison, Fingerprint, Score, SealedFingerprint, Verdict},
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
    score: Option<Score>,
}

/// Returns whether a refresh compares the presented fingerprint with the sealed fingerprint of the session.
pub(in crate::flows) fn is_needed(vestibule: &Vestibule, session: &Session) -> bool {
    session.fingerprint.is_some() && vestibule.config.devices.fingerprint != FingerprintPolicy::Off
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
            score: None,
        };
        let Some(baseline) = session.fingerprint.as_ref().filter(|_| policy != FingerprintPolicy::Off) else {
            return unbound;
        };
        // A missing fingerprint counts as a fingerprint without components, so it can't match a bound session.
        let presented = vestibule.seal_fingerprint(fingerprint, session.user_id).unwrap_or_default();
        let score = device::compare(baseline, &presented);
        let verdict = device::judge(&score, vestibule.thresholds);
        // Under the policy `log` a mismatch is recorded, and the refresh is permitted.
        let refused = verdict == Verdict::Mismatch && policy != FingerprintPolicy::Log;
        Self {
            binding: if refused { DeviceMatch::Mismatched } else { DeviceMatch::Matches },
            verdict,
            sealed: Some(if verdict == Verdict::Match { presented.update(baseline) } else { baseline.clone() }),
            score: Some(score),
        }
    }

    /// Returns the verdict, and the score unless nothing was compared.
    pub(in crate::flows) fn outcome(&self) -> (Verdict, Option<&Score>) {
        (self.verdict, self.score.as_ref())
    }

    /// Returns the type of the audit event of a permitted refresh. Returns `None` if the fingerprint matched or was not judged.
    pub(in crate::flows) fn event(&self) -> Option<Event> {
        match self.verdict {
            Verdict::Drift => Some(Event::DeviceDrift),
            Verdict::Mismatch => Some(Event::DeviceMismatch),
            Verdict::Match | Verdict::Unjudged => None,
        }
    }

    /// Returns what the comparison found, for the audit log and for people who develop with the server.
    pub(in crate::flows) fn comparison(&self) -> Option<Comparison> {
        self.score.as_ref().map(Score::comparison)
    }
}

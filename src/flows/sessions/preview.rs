//! Preview: what a refresh with a fingerprint would find. It runs the check of a refresh, and changes nothing. It is for the
//! demonstration of the profile `dev`.

use crate::{
    domain::{
        SessionId,
        device::{Fingerprint, Verdict},
        session::Session,
    },
    flows::{Vestibule, steps::fingerprint_check::FingerprintCheck},
    store::{self, sessions},
};

/// What the check of a fingerprint finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The verdict.
    pub verdict: Verdict,
    /// The weight of the equal components, and of the baseline.
    pub equal: u32,
    /// The weight of the baseline; 0 if the session has none.
    pub weight: u32,
    /// The share of the baseline that is equal, 0.0 to 1.0, in hundredths; `None` if nothing was compared.
    pub score: Option<f64>,
    /// Whether the system or the browser is another.
    pub veto: bool,
    /// Whether a component that identifies the device is equal.
    pub identified: bool,
    /// The names of the components that are different or missing.
    pub differed: Vec<&'static str>,
}

/// Returns the session with this id, and what the check finds. `None` if there is no such session.
pub async fn preview(
    vestibule: &Vestibule,
    id: SessionId,
    fingerprint: Option<&Fingerprint>,
) -> store::Result<Option<(Session, Preview)>> {
    let found = sessions::find(&mut *vestibule.store.read().await?, id).await?;
    Ok(found.map(|session| {
        let check = FingerprintCheck::of(vestibule, &session, fingerprint);
        let (verdict, score) = check.outcome();
        let comparison = check.comparison();
        let preview = Preview {
            verdict,
            equal: score.map_or(0, |score| score.equal()),
            weight: score.map_or(0, |score| score.weight()),
            score: comparison.as_ref().map(|found| found.score),
            veto: score.is_some_and(|score| score.veto()),
            identified: score.is_some_and(|score| score.is_identified()),
            differed: comparison.map(|found| found.differed).unwrap_or_default(),
        };
        (session, preview)
    }))
}

//! The fingerprint of a request, sealed for one user in both schemes.

use std::collections::{BTreeMap, BTreeSet};

use super::debug_prints_only_the_name;
use super::sealed_fingerprint::{ComponentMac, SealedFingerprint};
use super::weights::stored;

/// A fingerprint that a request presents, sealed for one user. It is compared with a baseline, and becomes one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PresentedFingerprint {
    /// The MACs of scheme 1, for the baselines of version 0.1.0.
    pub(super) first: SealedFingerprint,
    /// For system and browser, the MACs of all names by which scheme 1 may have stored the family.
    pub(super) first_families: BTreeMap<&'static str, Vec<ComponentMac>>,
    /// The MACs of scheme 2, of all components.
    pub(super) second: SealedFingerprint,
    /// The components whose value tells nothing. They are compared, but never part of a baseline.
    pub(super) told_nothing: BTreeSet<&'static str>,
    /// For a machine with a touch screen, the MAC of the system that it reports in the other view of pages.
    pub(super) system_in_the_other_view: Option<ComponentMac>,
}

debug_prints_only_the_name!(PresentedFingerprint);

impl PresentedFingerprint {
    /// Returns the baseline of a session that opens with this fingerprint: the components that tell something.
    #[must_use]
    pub fn baseline(&self) -> SealedFingerprint {
        let mut baseline = self.second.clone();
        baseline.macs.retain(|name, _| !self.told_nothing.contains(name));
        baseline
    }

    /// Returns the new baseline after this fingerprint matched `baseline`. Its MACs replace those of the baseline. A component
    /// that this fingerprint lacks keeps its MAC: otherwise a client could reduce a baseline step by step until it is too light
    /// to be judged. Components are added, and removed because they tell nothing any longer, only if every weighted component
    /// of the baseline is equal: otherwise a thief who guessed some of them could add those of their own machine, against which
    /// the owner would then fail. A baseline of scheme 1 is replaced as a whole.
    #[must_use]
    pub fn update(&self, baseline: &SealedFingerprint) -> SealedFingerprint {
        let own = self.baseline();
        if baseline.scheme != own.scheme {
            return own;
        }
        let mut macs = baseline.macs.clone();
        let has_weight = |name: &str| stored(name, own.scheme).is_some_and(|row| row.role.weight() > 0);
        if baseline.macs.iter().all(|(name, mac)| !has_weight(name) || self.second.macs.get(name) == Some(mac)) {
            macs.retain(|name, _| !self.told_nothing.contains(name));
            macs.extend(&own.macs);
        } else {
            let replaced = own.macs.iter().filter(|(name, _)| baseline.macs.contains_key(*name));
            macs.extend(replaced);
        }
        SealedFingerprint { macs, ..own }
    }
}

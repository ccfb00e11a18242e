//! How many devices a user has, and how one is recognised by its fingerprint.

use super::{
    Lifetime,
    reader::{Read, Reader},
    setting::vocabulary,
};

vocabulary! {
    /// What a login does that would make one device too many.
    pub LimitPolicy {
        /// It ends the session of the device that was used least recently.
        EvictOldest = "evict_oldest",
        /// It is refused.
        Reject = "reject",
    }
}

vocabulary! {
    /// What becomes of fingerprints.
    pub FingerprintPolicy {
        /// Not even looked at.
        Off = "off",
        /// Compared and recorded.
        Log = "log",
        /// A session that began with one is refreshed only with a matching one.
        Enforce = "enforce",
        /// The same, and no login without one.
        Require = "require",
    }
}

/// How many devices a user has, and how one is recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Devices {
    /// 0 is no limit.
    pub max_per_user: u32,
    /// What happens past it.
    pub limit_policy: LimitPolicy,
    /// What becomes of fingerprints.
    pub fingerprint: FingerprintPolicy,
    /// The score from which it is the same device; 0 to 1, at least `drift_from`.
    pub match_from: f64,
    /// The score from which it passes and is recorded; 0 to 1.
    pub drift_from: f64,
    /// How long a device is kept after its last session.
    pub retention: Lifetime,
}

impl Devices {
    pub(super) fn read(reader: &mut Reader) -> Read<Self> {
        let max_per_user = reader.within("max_devices_per_user", 0..=10_000);
        let limit_policy = reader.read("device_limit_policy");
        let fingerprint = reader.read("fingerprint_policy");
        let match_from = reader.within("fingerprint_match", 0.0..=1.0);
        let mut drift_from = reader.within("fingerprint_drift", 0.01..=1.0);
        let retention = reader.read("device_retention");
        if let (Ok(drift), Ok(limit)) = (drift_from, match_from)
            && drift > limit
        {
            let limit = reader.describe("fingerprint_match");
            drift_from = Err(reader.refuse("fingerprint_drift", format!("must not be above {limit}")));
        }
        Ok(Self {
            max_per_user: max_per_user?,
            limit_policy: limit_policy?,
            fingerprint: fingerprint?,
            match_from: match_from?,
            drift_from: drift_from?,
            retention: retention?,
        })
    }
}

//! How many devices a user has, and how a device is recognised by its fingerprint.

use super::{
    declare::settings,
    reader::{Read, Reader},
    setting::vocabulary,
};
use crate::domain::{device::Thresholds, span::Lifetime};

vocabulary! {
    /// What a login does that would exceed the limit of devices.
    pub LimitPolicy {
        /// It ends the session of the device that was used least recently.
        EvictOldest = "evict_oldest",
        /// It is refused.
        Reject = "reject",
    }
}

vocabulary! {
    /// What is done with fingerprints.
    pub FingerprintPolicy {
        /// They are not read.
        Off = "off",
        /// They are compared, and the result is recorded.
        Log = "log",
        /// A session that began with a fingerprint is refreshed only with a matching one.
        Enforce = "enforce",
        /// The same, and no login without a fingerprint.
        Require = "require",
    }
}

settings! {
    /// The limit of devices, and the rules by which a device is recognised.
    pub struct Devices, DeviceKeys in "devices", |reader| {
        /// On how many devices one user may be signed in; `0` is no limit.
        #[key("max_devices_per_user", default = 10, main = true)]
        #[read(within = 0..=10_000)]
        max_per_user: u32,
        /// What a login does that would exceed the limit: `evict_oldest` ends the session of the device that was used
        /// least recently, `reject` refuses the login.
        #[key("device_limit_policy", default = "evict_oldest", main = true)]
        limit_policy: LimitPolicy,
        /// What is done with fingerprints: `off` (they are not read), `log` (compared and recorded), `enforce` (a session that
        /// began with a fingerprint is refreshed only with a matching one), or `require` (also no login without one).
        #[key("fingerprint_policy", default = "enforce", main = true)]
        fingerprint: FingerprintPolicy,
        /// The score from which a fingerprint is that of the same device, 0 to 1.
        #[key("fingerprint_match", default = 0.75)]
        #[read(within = 0.0..=1.0)]
        match_from: f64,
        /// The score from which a fingerprint that doesn't match passes and is recorded. A lower score is refused.
        #[key("fingerprint_drift", default = 0.4)]
        #[read(within = 0.01..=1.0)]
        drift_from: f64,
        /// How long a device is kept after its last session.
        #[key("device_retention", default = "30d", main = true)]
        retention: Lifetime,
        then {
            /// From which scores a fingerprint matches and passes: `fingerprint_match` and `fingerprint_drift`.
            thresholds: Thresholds = thresholds(reader, match_from, drift_from),
        }
    }
}

fn thresholds(reader: &mut Reader, match_from: Read<f64>, drift_from: Read<f64>) -> Read<Thresholds> {
    Thresholds::new(match_from?, drift_from?).map_err(|_| {
        let limit = reader.describe("fingerprint_match");
        reader.refuse("fingerprint_drift", format!("must not be above {limit}"))
    })
}

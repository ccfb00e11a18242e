//! The limit of devices, and the recognition of a device by its fingerprint.

use super::{
    declare::settings,
    reader::{Read, Reader},
};
use crate::config::{FingerprintConsent, FingerprintPolicy, Lifetime, LimitPolicy, Thresholds};

settings! {
    /// The limit of devices, and the rules by which a device is recognised.
    pub struct Devices, DeviceKeys in "devices", |reader| check {
        /// The number of devices on which one user can be signed in, at most `10000`. `0` means no limit.
        #[key("max_devices_per_user", default = 10, main = true)]
        #[within(0..=10_000)]
        max_per_user: u32,
        /// The effect of `max_devices_per_user` on a login that would exceed it. `evict_oldest`: the login ends the session of
        /// the device that was used least recently. A program that signs in again and again first ends its own earlier
        /// sessions. `reject`: the login is refused.
        #[key("device_limit_policy", default = "evict_oldest", main = true)]
        limit_policy: LimitPolicy,
        /// The use of browser fingerprints. `off`: they are not read. `log`: they are compared, and differences are recorded.
        /// `enforce`: if the fingerprint of a login has enough components, the session is refreshed only with a fingerprint of
        /// the same device. `require`: like `enforce`, and a login without a fingerprint is refused.
        #[key("fingerprint_policy", default = "enforce", main = true)]
        fingerprint: FingerprintPolicy,
        /// How the sign-in page asks before it reads the properties of the browser. `notice`: it says that they are read.
        /// `ask`: it has a box "Tie this sign-in to this browser", and nothing is read while the box is not ticked.
        #[key("fingerprint_consent", default = "notice")]
        consent: FingerprintConsent,
        /// The similarity (`0` to `1`) from which two fingerprints are from the same device.
        #[key("fingerprint_match", default = 0.75)]
        #[within(0.0..=1.0)]
        match_from: f64,
        /// The similarity (`0.01` to `1`) from which a fingerprint below `fingerprint_match` is accepted and recorded. Below
        /// this value, the fingerprint is from another device.
        #[key("fingerprint_drift", default = 0.4)]
        #[within(0.01..=1.0)]
        drift_from: f64,
        /// How long a device is remembered after its last session has ended.
        #[key("device_retention", default = "30d", main = true)]
        retention: Lifetime,
        then {
            /// The values of `fingerprint_match` and `fingerprint_drift`.
            thresholds: Thresholds = thresholds(reader, match_from, drift_from),
        }
    }
}

impl DeviceKeys {
    /// Refuses settings that can't be used together.
    fn check(&self, reader: &mut Reader) {
        reader.check("fingerprint_consent", "must be notice, since {fingerprint_policy}: nobody could decline", || {
            Ok(self.consent? == FingerprintConsent::Ask && self.fingerprint? == FingerprintPolicy::Require)
        });
    }
}

/// Combines the two thresholds. Refuses a `fingerprint_drift` above `fingerprint_match`.
fn thresholds(reader: &mut Reader, match_from: Read<f64>, drift_from: Read<f64>) -> Read<Thresholds> {
    Thresholds::new(match_from?, drift_from?)
        .map_err(|_| reader.conflict("fingerprint_drift", "must not be above {fingerprint_match}"))
}

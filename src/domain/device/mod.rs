//! The device of a session: its identity, its fingerprint and its name.
//!
//! Identity and fingerprint must not be confused. The *identity* of a device is its [`DeviceSecret`], an unguessable
//! 256-bit value that is issued at login. The *fingerprint* is data that the browser reports about itself. It can be
//! replayed, and two identical laptops have the same fingerprint. So a fingerprint makes a stolen refresh token harder
//! to use, but it proves nothing.
//!
//! ```text
//! JSON → Fingerprint::parse → .seal(key, user) → PresentedFingerprint
//!      → compare(baseline, presented) → judge(score, thresholds)
//! ```
//!
//! Invariant: no function of this module returns a raw value of a fingerprint. The values that leave the module are
//! MACs, which differ for each component and each user. A client that omits a component never gets a better score than
//! a client that sends the component. The module is pure: no I/O, no clock, no randomness.

mod common;
mod families;
mod fingerprint;
mod kind;
mod name;
mod normalise;
mod presented;
mod sealed_fingerprint;
mod secret;
mod user_agent;
mod verdict;
mod weights;

#[cfg(test)]
mod tests;

pub use fingerprint::{Explained, Fingerprint, FingerprintError};
pub use kind::DeviceKind;
pub use name::{DeviceName, DeviceNameError};
pub use presented::PresentedFingerprint;
pub use sealed_fingerprint::{FingerprintKey, SealedFingerprint, SealedFingerprintError};
pub use secret::{DeviceKey, DeviceSecret, DeviceSecretError, DeviceSecretHash};
pub use verdict::{Comparison, Score, Thresholds, ThresholdsError, Verdict, compare, judge};

/// Implements `Debug` so that it prints the name of the type and no value. It is for types whose values must not appear
/// in a log.
macro_rules! debug_prints_only_the_name {
    ($($name:ident),+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )+};
}
use debug_prints_only_the_name;

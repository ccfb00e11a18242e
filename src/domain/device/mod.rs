//! What a session knows of the device it was opened on.
//!
//! Two things that must not be mixed up. A device's *identity* is [`DeviceSecret`], 256 random bits given at login. Its
//! *fingerprint* is data that the browser tells about itself: it can be replayed, two identical laptops have the same
//! one, so it raises the bar for a stolen refresh token and proves nothing.
//!
//! ```text
//! JSON → Fingerprint::parse → .seal(key, user) → SealedFingerprint → compare(stored, presented) → judge(score, thresholds)
//! ```
//!
//! Invariant: nothing here gives a raw value back. What leaves this module is keyed per component and per user, and
//! leaving a component out never scores better than sending it. Pure: no I/O, no clock, no randomness.

mod fingerprint;
mod name;
mod normalise;
mod sealed_fingerprint;
mod secret;
mod user_agent;
mod verdict;
mod weights;

#[cfg(test)]
mod tests;

pub use fingerprint::{Fingerprint, FingerprintError};
pub use name::{DeviceName, DeviceNameError};
pub use sealed_fingerprint::{FingerprintKey, SealedFingerprint, SealedFingerprintError};
pub use secret::{DeviceKey, DeviceSecret, DeviceSecretError, DeviceSecretHash};
pub use verdict::{Score, Thresholds, ThresholdsError, Verdict, compare, judge};

/// `Debug` that prints the type's name and nothing of the value, for what must not reach a log.
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

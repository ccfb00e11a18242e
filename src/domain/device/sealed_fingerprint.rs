//! A sealed fingerprint: one MAC per component, and its form in the database.
//!
//! Keyed, because the values are few: all time zones of the world hash in milliseconds, so a plain hash of one is the
//! zone. Over the user's id, so that a copied database doesn't say which accounts share a machine. Per component,
//! because a hash of the whole would change at every browser update.
//!
//! Invariant: a [`SealedFingerprint`] has MACs of compared components only, never a raw value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use uuid::Uuid;

use super::debug_prints_only_the_name;
use super::weights::{LEAST_WEIGHT, compared, weight_of};

/// Names the MAC's input and the stored form. Another normalisation, another input or a component taken out of the
/// table is another scheme; then old baselines are told apart instead of failing to match.
const SCHEME: u32 = 1;

/// 128 bits: a collision helps nobody, a preimage without the key is out of reach, and a row stays half as long.
pub(super) type ComponentMac = [u8; 16];

/// The key of all fingerprints, 32 bytes derived from the root secret.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

/// A keyed MAC that has taken in scheme and user already.
pub(super) struct UserKey(Hmac<Sha256>);

impl FingerprintKey {
    /// Takes 32 bytes that serve no other purpose.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn of_user(&self, user_id: &Uuid) -> UserKey {
        let mut mac = Hmac::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        take_in(&mut mac, b"vestibule fingerprint");
        take_in(&mut mac, &SCHEME.to_be_bytes());
        take_in(&mut mac, user_id.as_bytes());
        UserKey(mac)
    }
}

impl UserKey {
    /// The name is inside, so that a value can't be moved to another field.
    pub(super) fn mac(&self, name: &str, value: &str) -> ComponentMac {
        let mut mac = self.0.clone();
        take_in(&mut mac, name.as_bytes());
        take_in(&mut mac, value.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        short
    }
}

/// With its length in front: "ab" + "c" is not "a" + "bc".
fn take_in(mac: &mut Hmac<Sha256>, part: &[u8]) {
    mac.update(&(part.len() as u64).to_be_bytes());
    mac.update(part);
}

/// A fingerprint sealed for one user. Stored with the session at login; each refresh is sealed the same way and compared
/// with it by [`compare`](super::compare).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SealedFingerprint {
    pub(super) macs: BTreeMap<&'static str, ComponentMac>,
}

debug_prints_only_the_name!(FingerprintKey, UserKey, SealedFingerprint);

impl SealedFingerprint {
    /// The weight of all that it has, 0 to 20.
    #[must_use]
    pub fn weight(&self) -> u32 {
        weight_of(self.macs.keys())
    }

    /// The names of the components that it has.
    pub fn components(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.macs.keys().copied()
    }

    /// Whether it is heavy enough to be judged, that is: whether the session is bound to its device.
    #[must_use]
    pub fn can_bind(&self) -> bool {
        self.weight() >= LEAST_WEIGHT
    }

    /// The baseline after `presented` matched it: each component as it is now, and those that `presented` lacks as they
    /// were. Were these dropped, a client could walk a baseline down to one that is too light to be judged.
    #[must_use]
    pub fn updated_by(&self, presented: &Self) -> Self {
        let mut macs = self.macs.clone();
        macs.extend(&presented.macs);
        Self { macs }
    }

    /// The text for a column, at most 700 bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let macs = self.macs.iter().map(|(name, mac)| ((*name).to_owned(), URL_SAFE_NO_PAD.encode(mac)));
        let stored = Stored { v: SCHEME, macs: macs.collect() };
        serde_json::to_string(&stored).expect("a map of strings is JSON")
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`BaselineError`]: the text isn't ours, or another version of the server's.
    pub fn from_json(text: &str) -> Result<Self, SealedFingerprintError> {
        let Tag { v } = serde_json::from_str(text).map_err(|_| SealedFingerprintError::Malformed)?;
        if v != SCHEME {
            return Err(SealedFingerprintError::UnknownScheme(v));
        }
        let stored: Stored = serde_json::from_str(text).map_err(|_| SealedFingerprintError::Malformed)?;
        let macs = stored.macs.iter().map(|(name, mac)| {
            let component = compared(name).ok_or(SealedFingerprintError::Malformed)?;
            let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| SealedFingerprintError::Malformed)?;
            Ok((component.name, mac.try_into().map_err(|_| SealedFingerprintError::Malformed)?))
        });
        Ok(Self { macs: macs.collect::<Result<_, _>>()? })
    }
}

/// Why a stored text isn't a baseline. It doesn't quote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealedFingerprintError {
    /// Not JSON, not of this form, or with a component that scheme 1 doesn't have.
    #[error("the stored fingerprint is malformed")]
    Malformed,
    /// Written under another scheme.
    #[error("the stored fingerprint is of the unknown scheme {0}")]
    UnknownScheme(u32),
}

/// Read on its own first: another scheme may look different in all the rest.
#[derive(Deserialize)]
struct Tag {
    v: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    v: u32,
    macs: BTreeMap<String, String>,
}

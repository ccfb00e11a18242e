//! A sealed fingerprint: one MAC for each component, and the stored form.
//!
//! - The MACs are keyed, because the components have few possible values. All time zones of the world can be hashed in
//!   milliseconds, so an unkeyed hash would reveal the zone.
//! - The input of each MAC includes the user's id, so that a copy of the database does not reveal which accounts share
//!   a machine.
//! - Each component has a MAC of its own, because a hash of the whole fingerprint would change with every browser
//!   update.
//!
//! Invariant: a [`SealedFingerprint`] contains only MACs of compared components, never a raw value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use uuid::Uuid;

use super::debug_prints_only_the_name;
use super::weights::{Scheme, can_bind, stored, weight_of};

/// A MAC, truncated to 128 bits. An attacker gains nothing from a collision, and a preimage cannot be found without the
/// key. The truncation halves the stored size.
pub(super) type ComponentMac = [u8; 16];

/// The key for all fingerprints: 32 bytes that are derived from the root secret.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

/// The state of a keyed MAC that already includes the scheme and the user.
pub(super) struct UserKey(Hmac<Sha256>);

impl FingerprintKey {
    /// Wraps 32 bytes that are used for no other purpose.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the state of the MAC after the scheme and the user were added.
    pub(super) fn of_user(&self, user_id: &Uuid, scheme: Scheme) -> UserKey {
        let mut mac = Hmac::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        update_with_length(&mut mac, b"vestibule fingerprint");
        update_with_length(&mut mac, &scheme.number().to_be_bytes());
        update_with_length(&mut mac, user_id.as_bytes());
        UserKey(mac)
    }
}

impl UserKey {
    /// Returns the MAC of a component. The input includes the name of the component, so that a value cannot be moved to
    /// another field.
    pub(super) fn mac(&self, name: &str, value: &str) -> ComponentMac {
        let mut mac = self.0.clone();
        update_with_length(&mut mac, name.as_bytes());
        update_with_length(&mut mac, value.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        short
    }
}

/// Adds a part to the input of the MAC, after the length of the part. So "ab" followed by "c" differs from "a" followed
/// by "bc".
fn update_with_length(mac: &mut Hmac<Sha256>, part: &[u8]) {
    mac.update(&(part.len() as u64).to_be_bytes());
    mac.update(part);
}

/// A fingerprint that is sealed for one user. The fingerprint of the login is stored with the session as its baseline.
/// The fingerprint of each refresh is sealed in the same way, and [`compare`](super::compare) compares it with the
/// baseline.
///
/// A change of the normalisation or of the input of the MACs, or the removal of a component, requires a new scheme. A
/// fingerprint that was stored before is then compared under its own. Otherwise it would never match again.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedFingerprint {
    pub(super) scheme: Scheme,
    /// The MAC of each component, by the name of the component.
    pub(super) macs: BTreeMap<&'static str, ComponentMac>,
}

impl Default for SealedFingerprint {
    fn default() -> Self {
        Self { scheme: Scheme::Second, macs: BTreeMap::new() }
    }
}

debug_prints_only_the_name!(FingerprintKey, UserKey, SealedFingerprint);

impl SealedFingerprint {
    /// Returns the sum of the weights of the components, 0 to 23.
    #[must_use]
    pub fn weight(&self) -> u32 {
        weight_of(self.macs.keys(), self.scheme)
    }

    /// Returns the names of the components.
    pub fn components(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.macs.keys().copied()
    }

    /// Returns the first eight characters of each stored code, by the name of the component. They are for people who compare
    /// two of them, and are too short to be used.
    pub fn shortened(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.macs.iter().map(|(name, mac)| (*name, URL_SAFE_NO_PAD.encode(&mac[..6])))
    }

    /// Returns whether the fingerprint, as a baseline, can tell the device from others, and so binds a session to it.
    #[must_use]
    pub fn can_bind(&self) -> bool {
        can_bind(self.macs.keys(), self.scheme)
    }

    /// Returns the stored form, at most 700 bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let macs = self.macs.iter().map(|(name, mac)| ((*name).to_owned(), URL_SAFE_NO_PAD.encode(mac)));
        let form = Stored { v: self.scheme.number(), macs: macs.collect() };
        serde_json::to_string(&form).expect("a map of strings is JSON")
    }

    /// Reads the output of [`to_json`](Self::to_json).
    ///
    /// # Errors
    /// [`SealedFingerprintError`] if the text is malformed or was written under another scheme.
    pub fn from_json(text: &str) -> Result<Self, SealedFingerprintError> {
        let Tag { v } = serde_json::from_str(text).map_err(|_| SealedFingerprintError::Malformed)?;
        let known = [Scheme::First, Scheme::Second].into_iter().find(|scheme| scheme.number() == v);
        let scheme = known.ok_or(SealedFingerprintError::UnknownScheme(v))?;
        let text: Stored = serde_json::from_str(text).map_err(|_| SealedFingerprintError::Malformed)?;
        let macs = text.macs.iter().map(|(name, mac)| {
            let component = stored(name, scheme).ok_or(SealedFingerprintError::Malformed)?;
            let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| SealedFingerprintError::Malformed)?;
            Ok((component.name, mac.try_into().map_err(|_| SealedFingerprintError::Malformed)?))
        });
        Ok(Self { scheme, macs: macs.collect::<Result<_, _>>()? })
    }
}

/// A reason for which a stored text is not a sealed fingerprint. The messages do not quote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealedFingerprintError {
    /// The text is not JSON, has another form, or contains a component that its scheme does not have.
    #[error("the stored fingerprint is malformed")]
    Malformed,
    /// The text was written under another scheme.
    #[error("the stored fingerprint is of the unknown scheme {0}")]
    UnknownScheme(u32),
}

/// The scheme number. It is read first, because another scheme may have a different form.
#[derive(Deserialize)]
struct Tag {
    v: u32,
}

/// The stored form: the scheme number, and the MACs in base64url by the name of the component.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    v: u32,
    macs: BTreeMap<String, String>,
}

//! A device's identity: 256 random bits that it was given at login, and their stored form.
//!
//! Invariant: the secret and what is stored of it are different types, and only the second can be bound to SQL. Whoever
//! reads the database can present nothing. The caller brings the random bytes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::debug_prints_only_the_name;

/// The key of all device secrets' hashes, 32 bytes derived from the root secret.
#[derive(Clone)]
pub struct DeviceKey([u8; 32]);

/// `device_id` on the wire: base64url without padding, 43 characters.
#[derive(Clone)]
pub struct DeviceSecret([u8; 32]);

/// HMAC-SHA-256 of a [`DeviceSecret`], what the database has of it.
#[derive(Clone)]
pub struct DeviceSecretHash([u8; 32]);

debug_prints_only_the_name!(DeviceKey, DeviceSecret, DeviceSecretHash);

/// The text or the stored bytes have the wrong form. A `device_id` like this is ignored as an unknown one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a device id")]
pub struct DeviceSecretError;

impl DeviceKey {
    /// Takes 32 bytes that serve no other purpose.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl DeviceSecret {
    /// Takes 32 bytes fresh from a secure generator.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the one text that [`reveal`](Self::reveal) gives: no padding, no other alphabet, no stray bits at the end.
    ///
    /// # Errors
    /// [`DeviceSecretError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, DeviceSecretError> {
        // The length first, so that a long header isn't decoded.
        if text.len() != 43 {
            return Err(DeviceSecretError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| DeviceSecretError)?;
        bytes.try_into().map(Self).map_err(|_| DeviceSecretError)
    }

    /// The text for the client, in the answer to its login and nowhere else.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The stored form. Always the same, so that a device is found by it.
    #[must_use]
    pub fn hash(&self, key: &DeviceKey) -> DeviceSecretHash {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
        mac.update(&self.0);
        DeviceSecretHash(mac.finalize().into_bytes().into())
    }
}

impl DeviceSecretHash {
    /// Reads the stored bytes.
    ///
    /// # Errors
    /// [`DeviceSecretError`] unless they are 32.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, DeviceSecretError> {
        bytes.try_into().map(Self).map_err(|_| DeviceSecretError)
    }

    /// The bytes for a column.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for DeviceSecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for DeviceSecretHash {}

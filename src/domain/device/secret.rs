//! The identity of a device: an unguessable 256-bit value that is issued at login, and its stored hash.
//!
//! Invariant: the secret and its hash are different types, and only the hash can be bound to SQL. A reader of the
//! database finds nothing that can be presented as a secret. The caller supplies the bytes of the secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::debug_prints_only_the_name;

/// The key for the hashes of all device secrets: 32 bytes that are derived from the root secret.
#[derive(Clone)]
pub struct DeviceKey([u8; 32]);

/// The secret of a device. Clients receive and send it as `device_id`: base64url without padding, 43 characters.
#[derive(Clone)]
pub struct DeviceSecret([u8; 32]);

/// The HMAC-SHA-256 of a [`DeviceSecret`]. The database stores only this hash.
#[derive(Clone)]
pub struct DeviceSecretHash([u8; 32]);

debug_prints_only_the_name!(DeviceKey, DeviceSecret, DeviceSecretHash);

/// The error for a text or stored bytes of the wrong form. A malformed `device_id` is ignored, like an unknown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a device id")]
pub struct DeviceSecretError;

impl DeviceKey {
    /// Wraps 32 bytes that are used for no other purpose.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl DeviceSecret {
    /// Wraps 32 bytes that nobody can guess: random bytes, or a MAC under a secret key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the output of [`reveal`](Self::reveal).
    ///
    /// # Errors
    /// [`DeviceSecretError`] for any other text. A text with padding, with another alphabet or with non-zero unused
    /// bits at the end is refused too.
    pub fn parse(text: &str) -> Result<Self, DeviceSecretError> {
        // The length is checked first, so that a long header is not decoded.
        if text.len() != 43 {
            return Err(DeviceSecretError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| DeviceSecretError)?;
        bytes.try_into().map(Self).map_err(|_| DeviceSecretError)
    }

    /// Returns the text for the client. It is sent only together with the refresh token of the device's session.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Returns the hash for the database. The same secret always has the same hash, so that the database can be
    /// searched for a device.
    #[must_use]
    pub fn hash(&self, key: &DeviceKey) -> DeviceSecretHash {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
        mac.update(&self.0);
        DeviceSecretHash(mac.finalize().into_bytes().into())
    }
}

impl DeviceSecretHash {
    /// Wraps bytes from the database.
    ///
    /// # Errors
    /// [`DeviceSecretError`] if `bytes` has another length than 32.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, DeviceSecretError> {
        bytes.try_into().map(Self).map_err(|_| DeviceSecretError)
    }

    /// Returns the bytes for the database.
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

//! Keys that are derived from the root secret.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::jwt::base64url;

/// A 256-bit key for one purpose. Debug output contains no bytes of the key.
#[derive(Clone)]
pub struct DerivedKey(Zeroizing<[u8; 32]>);

impl DerivedKey {
    /// Wraps the derived bytes.
    pub(super) const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the key.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the HMAC-SHA-256 of `parts`. The length of each part precedes the part, so that two different lists
    /// never result in the same input.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Returns [`DerivedKey::mac`] of `parts` in base64url, 43 characters. A client receives this text and sends it
    /// back.
    pub fn token(&self, parts: &[&[u8]]) -> String {
        base64url(&self.mac(parts))
    }

    /// Returns whether `presented` equals [`DerivedKey::token`] of `parts`. Compares in constant time.
    pub fn is_token(&self, parts: &[&[u8]], presented: &str) -> bool {
        self.token(parts).as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey")
    }
}

//! The keys that are derived from the root secret.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::jwt::base64url;

/// 256 bits for one purpose.
#[derive(Clone)]
pub struct DerivedKey(Zeroizing<[u8; 32]>);

impl DerivedKey {
    /// Takes what was derived.
    pub(super) const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The key's bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA-256 over `parts`, each preceded by its length so that no two lists of parts are the same input.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// [`DerivedKey::mac`] in base64url: a token that a client sends back.
    pub fn token(&self, parts: &[&[u8]]) -> String {
        base64url(&self.mac(parts))
    }

    /// Whether `given` is the [`DerivedKey::token`] of `parts`, in a time that does not depend on where the two differ.
    pub fn is_token(&self, parts: &[&[u8]], given: &str) -> bool {
        self.token(parts).as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey")
    }
}

//! The root secret, and the keys that are derived from it with HKDF-SHA-256 (RFC 5869), one key for each label.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    DerivedKey, aead,
    jwt::{base64url, from_base64url},
};

/// The name to which the ciphertext of a sealed first secret is bound.
const SEALED_AS: &str = "first secret";

/// The purpose of a derived key. Each purpose has its own label, so two purposes never have the same key.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// The key that seals private signing keys in the database.
    SealSigningKeys,
    /// The key that signs refresh tokens. It is never published.
    RefreshTokens,
    /// The key that hashes the `device_id` secrets.
    DeviceIds,
    /// The key for the MACs of fingerprint components.
    Fingerprints,
    /// The key from which CSRF tokens are computed.
    Csrf,
    /// The key that hashes login names: for the rate limits every typed name, and for the audit log the names that no
    /// user has.
    LoginNames,
    /// The key from which the password of the sample user is computed in the profile `dev`.
    SampleUser,
    /// The key for the recognition value, by which the server detects a root secret that does not belong to the
    /// database.
    Recognition,
    /// The key that seals the first root secret after another root secret has replaced it.
    SealFirstSecret,
}

impl Purpose {
    /// Returns the label (`info` of HKDF) of the purpose. If a label changes, the derived key changes too.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SealSigningKeys => b"vestibule v1 seal signing keys",
            Self::RefreshTokens => b"vestibule v1 refresh tokens",
            Self::DeviceIds => b"vestibule v1 device ids",
            Self::Fingerprints => b"vestibule v1 fingerprints",
            Self::Csrf => b"vestibule v1 csrf",
            Self::LoginNames => b"vestibule v1 unknown names",
            Self::SampleUser => b"vestibule v1 sample user",
            Self::Recognition => b"vestibule v1 recognition",
            Self::SealFirstSecret => b"vestibule v1 seal first secret",
        }
    }
}

/// The root secret: at least 32 random bytes that are stored outside the database. This type contains the pseudorandom
/// key that HKDF extracts from the bytes, not the bytes themselves.
#[derive(Clone)]
pub struct RootSecret(Zeroizing<[u8; 32]>);

impl RootSecret {
    /// Returns the root secret that consists of `bytes`. The code that reads the bytes has checked their length.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(Hkdf::<Sha256>::extract(None, bytes).0.into()))
    }

    /// Returns the key for one purpose.
    pub fn derive(&self, purpose: Purpose) -> DerivedKey {
        let mut key = Zeroizing::new([0; 32]);
        let extracted = Hkdf::<Sha256>::from_prk(self.0.as_slice()).expect("HKDF-SHA-256 extracts 32 bytes");
        extracted.expand(purpose.label(), key.as_mut_slice()).expect("HKDF-SHA-256 can expand to 32 bytes");
        DerivedKey::new(key)
    }

    /// Returns the recognition value: a text that identifies this secret without revealing it.
    pub fn recognition(&self) -> String {
        base64url(&self.derive(Purpose::Recognition).mac(&[]))
    }

    /// Returns this secret in its form for the database, sealed under a key of `successor`, the secret that replaces
    /// it.
    pub fn seal(&self, successor: &Self) -> String {
        base64url(&aead::seal(&successor.derive(Purpose::SealFirstSecret), SEALED_AS, self.0.as_slice()))
    }

    /// Opens the output of [`RootSecret::seal`]. Returns `None` if `self` is not the successor under which the secret
    /// was sealed, or if the text was altered.
    pub fn open(&self, sealed: &str) -> Option<Self> {
        let opened = aead::open(&self.derive(Purpose::SealFirstSecret), SEALED_AS, &from_base64url(sealed)?)?;
        Some(Self(Zeroizing::new(opened.as_slice().try_into().ok()?)))
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret")
    }
}

//! The root secret and the keys derived from it, one label each (HKDF-SHA-256, RFC 5869).

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    DerivedKey, aead,
    jwt::{base64url, from_base64url},
};

/// What a sealed secret is bound to.
const SEALED_AS: &str = "first secret";

/// What a derived key is for. The label is part of the key: two purposes never share one.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Seals private signing keys in the database.
    SealSigningKeys,
    /// Signs refresh tokens; never published.
    RefreshTokens,
    /// Hashes the `device_id` secrets.
    DeviceIds,
    /// Hashes the components of fingerprints.
    Fingerprints,
    /// Makes a session's CSRF token.
    Csrf,
    /// Hashes typed login names, whether or not a user has them, for the limits and the audit log.
    UnknownNames,
    /// Makes the password of the sample user of the profile `dev`.
    SampleUser,
    /// Recognises a root secret that does not belong to a database.
    Recognition,
    /// Seals the first root secret once another one has taken its place.
    SealFirstSecret,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SealSigningKeys => b"vestibule v1 seal signing keys",
            Self::RefreshTokens => b"vestibule v1 refresh tokens",
            Self::DeviceIds => b"vestibule v1 device ids",
            Self::Fingerprints => b"vestibule v1 fingerprints",
            Self::Csrf => b"vestibule v1 csrf",
            Self::UnknownNames => b"vestibule v1 unknown names",
            Self::SampleUser => b"vestibule v1 sample user",
            Self::Recognition => b"vestibule v1 recognition",
            Self::SealFirstSecret => b"vestibule v1 seal first secret",
        }
    }
}

/// At least 32 random bytes kept apart from the database; of them, what HKDF extracts.
#[derive(Clone)]
pub struct RootSecret(Zeroizing<[u8; 32]>);

impl RootSecret {
    /// Takes the secret's bytes. Their length is checked where they are read.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(Hkdf::<Sha256>::extract(None, bytes).0.into()))
    }

    /// The key for one purpose.
    pub fn derive(&self, purpose: Purpose) -> DerivedKey {
        let mut key = Zeroizing::new([0; 32]);
        let extracted = Hkdf::<Sha256>::from_prk(self.0.as_slice()).expect("32 bytes are what HKDF-SHA-256 extracts");
        extracted.expand(purpose.label(), key.as_mut_slice()).expect("32 bytes are a length that HKDF-SHA-256 gives");
        DerivedKey::new(key)
    }

    /// What tells this secret from others without telling what it is.
    pub fn recognition(&self) -> String {
        base64url(&self.derive(Purpose::Recognition).mac(&[]))
    }

    /// This secret as it may stand in the database, sealed under the one that takes its place.
    pub fn seal(&self, successor: &Self) -> String {
        base64url(&aead::seal(&successor.derive(Purpose::SealFirstSecret), SEALED_AS, self.0.as_slice()))
    }

    /// Opens what [`RootSecret::seal`] made under `self`; none where another one did.
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

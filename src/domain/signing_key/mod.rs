//! The keys that sign access tokens: how one is made, read from a file, sealed for the database, and published.
//!
//! What a key is stored as (its *material*) is what [`Signer`] takes: the raw secret, PKCS#1 for RSA, PKCS#8 for the others.
//! From it everything else is computed again each time that it is opened.

mod der;
mod ec;
mod ed25519;
mod import_error;
mod pem;
mod published;
mod rsa;
mod secret;
#[cfg(test)]
mod tests;

use serde_json::Value;
use zeroize::Zeroizing;

pub use self::import_error::ImportError;
use self::published::Published;
use super::{
    DerivedKey, aead,
    jwt::{Algorithm, Family, Signer, Verifier},
};

/// A private signing key as it lies in the database: sealed under a key derived from the root secret, bound to its `kid`
/// and algorithm, so that neither can be exchanged.
#[derive(Clone)]
pub struct SealedKey(Vec<u8>);

impl SealedKey {
    /// Wraps what the store read.
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What the store writes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The key could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Another root secret sealed it, or it was altered.
    #[error("signing key {kid} can't be opened: this root secret did not seal it, or the database was altered")]
    Sealed {
        /// Which key.
        kid: String,
    },
    /// What was inside is not a key.
    #[error("signing key {kid} is not a valid {algorithm} key")]
    Invalid {
        /// Which key.
        kid: String,
        /// Of what kind it should be.
        algorithm: &'static str,
    },
}

/// A key that signs and checks access tokens.
pub struct SigningKey {
    /// Names the key in a token's header.
    pub kid: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Its private half.
    pub signer: Signer,
    /// What checks its signatures.
    pub verifier: Verifier,
    /// Its public half as a JWK (RFC 7517); none for a secret that both sides share.
    pub jwk: Option<Value>,
    material: Zeroizing<Vec<u8>>,
}

impl SigningKey {
    /// A new key. One for RSA takes up to a second of CPU.
    pub fn generate(algorithm: Algorithm) -> Self {
        let material = match algorithm.family() {
            Family::Ec => ec::generate(algorithm),
            Family::Ed25519 => ed25519::generate(),
            Family::Rsa => rsa::generate(),
            Family::Secret => secret::generate(algorithm),
        };
        Self::from_material(algorithm, material).expect("a key just made is valid")
    }

    /// The key that a `secret_key` is, for one algorithm of HMAC.
    pub fn shared_secret(algorithm: Algorithm, secret: &[u8]) -> Self {
        debug_assert!(algorithm.is_symmetric());
        Self::from_material(algorithm, Zeroizing::new(secret.to_vec())).expect("HMAC takes any secret")
    }

    /// The private key in the text of a PEM file (RFC 7468): PKCS#8, SEC 1 or PKCS#1. Its curve says how it signs; an RSA key
    /// signs as was `asked`, or else with RS256.
    ///
    /// # Errors
    /// [`ImportError`], with a sentence that says what to do.
    pub fn from_pem(text: &str, asked: Option<Algorithm>) -> Result<Self, ImportError> {
        let rsa = asked.filter(|asked| asked.family() == Family::Rsa).unwrap_or(Algorithm::Rs256);
        let (algorithm, material) = pem::read(text, rsa)?;
        match asked {
            Some(asked) if asked != algorithm => {
                Err(ImportError::Algorithm { has: algorithm.as_str(), asked: asked.as_str() })
            }
            _ => Self::from_material(algorithm, material).ok_or(ImportError::Unusable),
        }
    }

    fn from_material(algorithm: Algorithm, material: Zeroizing<Vec<u8>>) -> Option<Self> {
        let Published { kid, check, jwk } = match algorithm.family() {
            Family::Ec => ec::publish(algorithm, &material)?,
            Family::Ed25519 => ed25519::publish(algorithm, &material)?,
            Family::Rsa => rsa::publish(algorithm, &material)?,
            Family::Secret => secret::publish(algorithm, &material),
        };
        let (signer, verifier) = (Signer::new(algorithm, &material), Verifier::new(algorithm, &check));
        Some(Self { kid, algorithm, signer, verifier, jwk, material })
    }

    /// The form for the database.
    pub fn seal(&self, key: &DerivedKey) -> SealedKey {
        SealedKey(aead::seal(key, &binding(&self.kid, self.algorithm), &self.material))
    }

    /// Opens what [`SigningKey::seal`] made.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(kid: &str, algorithm: Algorithm, sealed: &SealedKey, key: &DerivedKey) -> Result<Self, KeyError> {
        let material = aead::open(key, &binding(kid, algorithm), &sealed.0)
            .ok_or_else(|| KeyError::Sealed { kid: kid.to_owned() })?;
        Self::from_material(algorithm, material)
            .filter(|opened| opened.kid == kid)
            .ok_or_else(|| KeyError::Invalid { kid: kid.to_owned(), algorithm: algorithm.as_str() })
    }
}

fn binding(kid: &str, algorithm: Algorithm) -> String {
    format!("{}:{kid}", algorithm.as_str())
}

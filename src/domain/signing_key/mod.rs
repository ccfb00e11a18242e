//! The keys that sign access tokens. They are generated or imported from a file, sealed for the database, and
//! published.
//!
//! The *material* of a key is the form in which the private key is sealed and stored: the raw secret for HMAC, PKCS#1
//! for RSA, PKCS#8 for the other types. It is also the input of [`Signer`]. All other fields of a [`SigningKey`] are
//! computed from the material whenever the key is opened.

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

/// A private signing key in its form for the database. It is sealed under a key that is derived from the root secret.
/// The ciphertext is bound to the `kid` and the algorithm of the key. So a sealed key cannot be opened with another
/// `kid` or algorithm.
#[derive(Clone)]
pub struct SealedKey(Vec<u8>);

impl SealedKey {
    /// Wraps bytes from the database.
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The error for a stored key that cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key was sealed under another root secret, or its stored bytes, `kid` or algorithm were altered.
    #[error("signing key {kid} can't be opened: this root secret did not seal it, or the database was altered")]
    Sealed {
        /// The `kid` of the key.
        kid: String,
    },
    /// The opened bytes are not a key of the algorithm, or the key has another `kid`.
    #[error("signing key {kid} is not a valid {algorithm} key")]
    Invalid {
        /// The `kid` of the key.
        kid: String,
        /// The expected algorithm.
        algorithm: &'static str,
    },
}

/// A key that signs and verifies access tokens.
pub struct SigningKey {
    /// The id of the key: the `kid` in the header of a token.
    pub kid: String,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The private half, which signs.
    pub signer: Signer,
    /// The public half, which verifies signatures. For HMAC, the secret itself.
    pub verifier: Verifier,
    /// The public half as a JWK (RFC 7517). `None` for a shared secret.
    pub jwk: Option<Value>,
    material: Zeroizing<Vec<u8>>,
}

impl SigningKey {
    /// Generates a new key. An RSA key takes up to a second of CPU time.
    pub fn generate(algorithm: Algorithm) -> Self {
        let material = match algorithm.family() {
            Family::Ec => ec::generate(algorithm),
            Family::Ed25519 => ed25519::generate(),
            Family::Rsa => rsa::generate(),
            Family::Secret => secret::generate(algorithm),
        };
        Self::from_material(algorithm, material).expect("a new key is valid")
    }

    /// Returns the key that consists of the setting `secret_key`. `algorithm` must be an HMAC algorithm.
    pub fn shared_secret(algorithm: Algorithm, secret: &[u8]) -> Self {
        debug_assert!(algorithm.is_symmetric());
        Self::from_material(algorithm, Zeroizing::new(secret.to_vec())).expect("HMAC takes any secret")
    }

    /// Reads a private key from the text of a PEM file (RFC 7468): PKCS#8, SEC 1 or PKCS#1. An EC or Ed25519 key
    /// determines the algorithm. An RSA key is used with the algorithm `requested`, or with RS256 if `requested` is `None`.
    ///
    /// # Errors
    /// [`ImportError`] if the file has no suitable private key, or if the key does not belong to the algorithm `requested`.
    /// The message tells the operator how to solve the problem.
    pub fn from_pem(text: &str, requested: Option<Algorithm>) -> Result<Self, ImportError> {
        let rsa = requested.filter(|requested| requested.family() == Family::Rsa).unwrap_or(Algorithm::Rs256);
        let (algorithm, material) = pem::read(text, rsa)?;
        match requested {
            Some(requested) if requested != algorithm => {
                Err(ImportError::Algorithm { has: algorithm.as_str(), requested: requested.as_str() })
            }
            _ => Self::from_material(algorithm, material).ok_or(ImportError::Unusable),
        }
    }

    /// Computes the fields of a key from its material. Returns `None` if the material is not a key of the algorithm.
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

    /// Returns the key in its form for the database, sealed under `key`.
    pub fn seal(&self, key: &DerivedKey) -> SealedKey {
        SealedKey(aead::seal(key, &binding(&self.kid, self.algorithm), &self.material))
    }

    /// Opens the output of [`SigningKey::seal`].
    ///
    /// # Errors
    /// [`KeyError::Sealed`] if `key`, `kid` or `algorithm` was different at sealing, or if the bytes were altered.
    /// [`KeyError::Invalid`] if the opened bytes are not a key of the algorithm with this `kid`.
    pub fn open(kid: &str, algorithm: Algorithm, sealed: &SealedKey, key: &DerivedKey) -> Result<Self, KeyError> {
        let material = aead::open(key, &binding(kid, algorithm), &sealed.0)
            .ok_or_else(|| KeyError::Sealed { kid: kid.to_owned() })?;
        Self::from_material(algorithm, material)
            .filter(|opened| opened.kid == kid)
            .ok_or_else(|| KeyError::Invalid { kid: kid.to_owned(), algorithm: algorithm.as_str() })
    }
}

/// Returns the name to which the ciphertext of a sealed key is bound.
fn binding(kid: &str, algorithm: Algorithm) -> String {
    format!("{}:{kid}", algorithm.as_str())
}

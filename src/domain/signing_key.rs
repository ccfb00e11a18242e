//! The keys that sign access tokens: how one is made, sealed for the database, and published.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    DerivedKey,
    jwt::{Algorithm, Signer, Verifier, base64url},
};

/// Length of an AES-GCM nonce, which stands before the ciphertext.
const NONCE_LEN: usize = 12;

/// A private signing key as it lies in the database: AES-256-GCM under a key derived from the root secret, bound to its
/// `kid` and algorithm, so that neither can be exchanged.
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
    /// A new key. HS256 keys are 256 random bits.
    pub fn generate(algorithm: Algorithm) -> Self {
        let material = match algorithm {
            Algorithm::Es256 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                    .expect("the library makes P-256 keys whenever the system has randomness");
                Zeroizing::new(pkcs8.as_ref().to_vec())
            }
            Algorithm::Hs256 => Zeroizing::new(crate::random::bytes::<32>().to_vec()),
        };
        Self::from_material(algorithm, material).expect("a key just made is valid")
    }

    /// The key that a `secret_key` is.
    pub fn shared_secret(secret: &[u8]) -> Self {
        Self::from_material(Algorithm::Hs256, Zeroizing::new(secret.to_vec())).expect("HMAC takes any secret")
    }

    fn from_material(algorithm: Algorithm, material: Zeroizing<Vec<u8>>) -> Option<Self> {
        let (kid, verifier, jwk) = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &material).ok()?;
                let point = pair.public_key().as_ref();
                let (kid, jwk) = ec_jwk(point);
                (kid, Verifier::es256(point), Some(jwk))
            }
            Algorithm::Hs256 => (secret_kid(&material), Verifier::hmac(&material), None),
        };
        Some(Self { kid, algorithm, signer: Signer::new(algorithm, &material), verifier, jwk, material })
    }

    /// The form for the database.
    pub fn seal(&self, key: &DerivedKey) -> SealedKey {
        let mut sealed = self.material.to_vec();
        let nonce = sealing_key(key)
            .seal_in_place_append_tag(Aad::from(binding(&self.kid, self.algorithm)), &mut sealed)
            .expect("AES-GCM seals anything this short");
        SealedKey([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what [`SigningKey::seal`] made.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(kid: &str, algorithm: Algorithm, sealed: &SealedKey, key: &DerivedKey) -> Result<Self, KeyError> {
        let closed = || KeyError::Sealed { kid: kid.to_owned() };
        let (nonce, ciphertext) = sealed.0.split_at_checked(NONCE_LEN).ok_or_else(closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| closed())?;
        let mut material = Zeroizing::new(ciphertext.to_vec());
        let length = sealing_key(key)
            .open_in_place(nonce, Aad::from(binding(kid, algorithm)), &mut material)
            .map_err(|_| closed())?
            .len();
        material.truncate(length);
        Self::from_material(algorithm, material)
            .filter(|opened| opened.kid == kid)
            .ok_or_else(|| KeyError::Invalid { kid: kid.to_owned(), algorithm: algorithm.as_str() })
    }
}

fn sealing_key(key: &DerivedKey) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, key.bytes()).expect("AES-256 takes 32 bytes")
}

fn binding(kid: &str, algorithm: Algorithm) -> String {
    format!("{}:{kid}", algorithm.as_str())
}

/// A JWK and its thumbprint (RFC 7638), which is the key's `kid`. `point` is `04 || x || y`.
fn ec_jwk(point: &[u8]) -> (String, Value) {
    let (x, y) = point[1..].split_at(32);
    let (x, y) = (base64url(x), base64url(y));
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let kid = base64url(&Sha256::digest(canonical.as_bytes()));
    let jwk = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y});
    (kid, jwk)
}

/// A name for a shared secret that says nothing about it.
fn secret_kid(secret: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update(b"vestibule v1 kid");
    digest.update(Sha256::digest(secret));
    base64url(&digest.finalize()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Purpose, RootSecret};

    fn sealing(secret: &[u8]) -> DerivedKey {
        RootSecret::new(secret).derive(Purpose::SealSigningKeys)
    }

    #[test]
    fn a_sealed_key_opens_under_its_own_secret_name_and_algorithm_only() {
        for algorithm in [Algorithm::Es256, Algorithm::Hs256] {
            let key = SigningKey::generate(algorithm);
            let sealed = key.seal(&sealing(b"one"));
            assert!(SigningKey::open(&key.kid, algorithm, &sealed, &sealing(b"one")).is_ok());
            assert!(SigningKey::open(&key.kid, algorithm, &sealed, &sealing(b"two")).is_err());
            assert!(SigningKey::open("other", algorithm, &sealed, &sealing(b"one")).is_err());
            let mut altered = sealed.as_bytes().to_vec();
            *altered.last_mut().expect("not empty") ^= 1;
            assert!(SigningKey::open(&key.kid, algorithm, &SealedKey::from_stored(altered), &sealing(b"one")).is_err());
            assert!(
                SigningKey::open(&key.kid, algorithm, &SealedKey::from_stored(vec![1; 5]), &sealing(b"one")).is_err()
            );
        }
    }

    #[test]
    fn the_private_half_is_not_in_the_sealed_form() {
        let key = SigningKey::shared_secret(b"0123456789abcdef0123456789abcdef");
        let sealed = key.seal(&sealing(b"one"));
        assert!(!sealed.as_bytes().windows(8).any(|window| window == b"01234567"));
    }
}

//! Shared secrets for HMAC. The material is the raw secret. A shared secret is never published.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::published::Published;
use crate::{
    domain::jwt::{Algorithm, base64url},
    random,
};

/// Generates a secret of random bytes. Its length is the length of the hash of the algorithm (RFC 7518 §3.2).
pub(super) fn generate(algorithm: Algorithm) -> Zeroizing<Vec<u8>> {
    let mut secret = Zeroizing::new(random::bytes::<64>().to_vec());
    secret.truncate(match algorithm {
        Algorithm::Hs512 => 64,
        Algorithm::Hs384 => 48,
        _ => 32,
    });
    secret
}

/// Returns the `kid` of a secret and the input of its verifier. The `kid` reveals nothing about a secret that cannot be
/// guessed. One secret has a different `kid` for each algorithm, so that a `kid` determines the algorithm. Only the
/// `kid` for HS256 is computed without the name of the algorithm.
pub(super) fn publish(algorithm: Algorithm, secret: &[u8]) -> Published {
    let mut digest = Sha256::new();
    digest.update(b"vestibule v1 kid");
    if algorithm != Algorithm::Hs256 {
        digest.update(algorithm.as_str());
    }
    digest.update(Sha256::digest(secret));
    Published { kid: base64url(&digest.finalize()[..12]), check: secret.to_vec(), jwk: None }
}

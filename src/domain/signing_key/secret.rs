//! Secrets that both sides share, for HMAC. Stored as they are, never published.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::published::Published;
use crate::{
    domain::jwt::{Algorithm, base64url},
    random,
};

/// As many random bytes as the hash gives (RFC 7518 §3.2).
pub(super) fn generate(algorithm: Algorithm) -> Zeroizing<Vec<u8>> {
    let mut secret = Zeroizing::new(random::bytes::<64>().to_vec());
    secret.truncate(match algorithm {
        Algorithm::Hs512 => 64,
        Algorithm::Hs384 => 48,
        _ => 32,
    });
    secret
}

/// Its name says nothing about it. That of one secret is another one for each algorithm, so that a name means one algorithm.
pub(super) fn publish(algorithm: Algorithm, secret: &[u8]) -> Published {
    let mut digest = Sha256::new();
    digest.update(b"vestibule v1 kid");
    if algorithm != Algorithm::Hs256 {
        digest.update(algorithm.as_str());
    }
    digest.update(Sha256::digest(secret));
    Published { kid: base64url(&digest.finalize()[..12]), check: secret.to_vec(), jwk: None }
}

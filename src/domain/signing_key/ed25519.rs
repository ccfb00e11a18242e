//! Ed25519 keys (RFC 8037 §2). The material is PKCS#8.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

use super::published::{Published, jwk};
use crate::domain::jwt::{Algorithm, base64url};

/// Generates a key and returns its material.
pub(super) fn generate() -> Zeroizing<Vec<u8>> {
    let pair = Ed25519KeyPair::generate().ok();
    pair.and_then(|pair| pkcs8(&pair)).expect("the library generates a key if the system has randomness")
}

/// Reads PKCS#8 and returns the material, or `None` if the bytes are not an Ed25519 key.
pub(super) fn read(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    pkcs8(&Ed25519KeyPair::from_pkcs8(der).ok()?)
}

/// Returns a key as PKCS#8.
fn pkcs8(pair: &Ed25519KeyPair) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec()))
}

/// Returns the public half of a key, or `None` if the material is not an Ed25519 key.
pub(super) fn publish(algorithm: Algorithm, material: &[u8]) -> Option<Published> {
    let pair = Ed25519KeyPair::from_pkcs8(material).ok()?;
    let point = pair.public_key().as_ref();
    let (kid, jwk) = jwk(algorithm, &[("crv", "Ed25519"), ("kty", "OKP"), ("x", &base64url(point))]);
    Some(Published { kid, check: point.to_vec(), jwk: Some(jwk) })
}

//! ECDSA keys (RFC 7518 §6.2). The material is PKCS#8.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};
use zeroize::Zeroizing;

use super::published::{Published, jwk};
use crate::domain::jwt::{Algorithm, base64url};

/// Returns the library's algorithm and the name of the curve in a JWK. Any algorithm except ES384 counts as ES256.
fn curve(algorithm: Algorithm) -> (&'static EcdsaSigningAlgorithm, &'static str) {
    match algorithm {
        Algorithm::Es384 => (&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
        _ => (&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
    }
}

/// Generates a key and returns its material.
pub(super) fn generate(algorithm: Algorithm) -> Zeroizing<Vec<u8>> {
    let pair = EcdsaKeyPair::generate(curve(algorithm).0).ok();
    pair.and_then(|pair| pkcs8(&pair)).expect("the library generates a key if the system has randomness")
}

/// Reads PKCS#8 or SEC 1 (RFC 5915), on P-256 or P-384. Returns the algorithm and the material, or `None` for any other
/// key.
pub(super) fn read(der: &[u8]) -> Option<(Algorithm, Zeroizing<Vec<u8>>)> {
    [Algorithm::Es256, Algorithm::Es384].into_iter().find_map(|algorithm| {
        let pair = EcdsaKeyPair::from_private_key_der(curve(algorithm).0, der).ok()?;
        Some((algorithm, pkcs8(&pair)?))
    })
}

/// Returns a key as PKCS#8.
fn pkcs8(pair: &EcdsaKeyPair) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec()))
}

/// Returns the public half of a key, or `None` if the material is not a key of the algorithm.
pub(super) fn publish(algorithm: Algorithm, material: &[u8]) -> Option<Published> {
    let (signing, name) = curve(algorithm);
    let pair = EcdsaKeyPair::from_pkcs8(signing, material).ok()?;
    let point = pair.public_key().as_ref();
    // The point is uncompressed: `04 || x || y`.
    let (x, y) = point[1..].split_at(point.len() / 2);
    let (kid, jwk) = jwk(algorithm, &[("crv", name), ("kty", "EC"), ("x", &base64url(x)), ("y", &base64url(y))]);
    Some(Published { kid, check: point.to_vec(), jwk: Some(jwk) })
}

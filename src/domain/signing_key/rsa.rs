//! RSA keys (RFC 7518 §6.3). Stored as PKCS#1, because that is what signs.

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::KeySize,
    signature::{KeyPair as _, RsaKeyPair},
};
use zeroize::Zeroizing;

use super::{
    Published,
    der::{Elements, INTEGER, OCTET_STRING, SEQUENCE},
    jwk,
};
use crate::domain::jwt::{Algorithm, base64url};

/// Bits of a modulus at the least (RFC 7518 §3.3).
pub(super) const LEAST_BITS: usize = 2048;

/// 2048 bits: 3072 sign three times more slowly, which each login and refresh would pay, for keys that are rotated long
/// before anybody factors one. Whoever wants more imports a key.
pub(super) fn generate() -> Zeroizing<Vec<u8>> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok();
    pair.and_then(|pair| pkcs1(&pair)).expect("the library makes keys whenever the system has randomness")
}

/// Reads PKCS#8 or PKCS#1.
pub(super) fn read(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    pkcs1(&RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok()?)
}

/// The library writes PKCS#8 (RFC 5208 §5), in which PKCS#1 stands as it is.
fn pkcs1(pair: &RsaKeyPair) -> Option<Zeroizing<Vec<u8>>> {
    let pkcs8 = pair.as_der().ok()?;
    unwrap_pkcs8(pkcs8.as_ref()).map(|key| Zeroizing::new(key.to_vec()))
}

/// The key inside PKCS#8.
fn unwrap_pkcs8(pkcs8: &[u8]) -> Option<&[u8]> {
    let mut info = Elements(Elements(pkcs8).expect(SEQUENCE)?);
    info.expect(INTEGER)?;
    info.expect(SEQUENCE)?;
    info.expect(OCTET_STRING)
}

/// Bits of the modulus of a key in PKCS#1 or PKCS#8; none where it is neither.
pub(super) fn bits(der: &[u8]) -> Option<usize> {
    let mut key = Elements(Elements(unwrap_pkcs8(der).unwrap_or(der)).expect(SEQUENCE)?);
    key.expect(INTEGER)?;
    let modulus = unsigned(key.expect(INTEGER)?);
    Some(modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize))
}

/// Without the zeros that keep an integer of DER from being negative.
fn unsigned(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    &integer[zeros..]
}

pub(super) fn publish(algorithm: Algorithm, material: &[u8]) -> Option<Published> {
    let pair = RsaKeyPair::from_der(material).ok()?;
    // RSAPublicKey (RFC 8017 §A.1.1): modulus and exponent.
    let check = pair.public_key().as_ref().to_vec();
    let mut public = Elements(Elements(&check).expect(SEQUENCE)?);
    let (n, e) = (unsigned(public.expect(INTEGER)?), unsigned(public.expect(INTEGER)?));
    let (kid, jwk) = jwk(algorithm, &[("e", &base64url(e)), ("kty", "RSA"), ("n", &base64url(n))]);
    Some(Published { kid, check, jwk: Some(jwk) })
}

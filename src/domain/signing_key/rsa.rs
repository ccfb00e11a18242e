//! RSA keys (RFC 7518 §6.3). Stored as PKCS#1, because that is what signs.

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::KeySize,
    signature::{KeyPair as _, RsaKeyPair},
};
use zeroize::Zeroizing;

use super::{
    der::{Elements, INTEGER, OCTET_STRING, SEQUENCE},
    import_error::ImportError,
    published::{Published, jwk},
};
use crate::domain::jwt::{Algorithm, base64url};

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

/// The first 64 bits of the square root of 2, which is where the primes of FIPS 186-5 begin.
const ROOT_OF_TWO: u64 = 0xB504_F333_F9DE_6484;

/// What FIPS 186-5 §A.1.1 and §A.1.3 ask of a key in PKCS#1 beyond what the library checks, which is that the primes are prime
/// and that the parts fit together. A key that fails is factored in a moment, or signs with an exponent that was attacked.
///
/// # Errors
/// [`ImportError::Exponent`], [`ImportError::Primes`]; [`ImportError::Unusable`] where it is no PKCS#1.
pub(super) fn check_fips(pkcs1: &[u8]) -> Result<(), ImportError> {
    let parts = || {
        let mut key = Elements(Elements(pkcs1).expect(SEQUENCE)?);
        key.expect(INTEGER)?;
        let mut next = || key.expect(INTEGER).map(unsigned);
        let (n, e, _d, p, q) = (next()?, next()?, next()?, next()?, next()?);
        Some((n, e, p, q))
    };
    let (n, e, p, q) = parts().ok_or(ImportError::Unusable)?;
    // An exponent is odd, or the library would have refused it.
    if bit_length(e) <= 16 {
        return Err(ImportError::Exponent);
    }
    let half = bit_length(n) / 2;
    let is_half = |prime: &[u8]| bit_length(prime) == half && leading_bits(prime) >= ROOT_OF_TWO;
    let are_apart = || bit_length(&difference(p, q)) > half - 100;
    if bit_length(n).is_multiple_of(2) && is_half(p) && is_half(q) && are_apart() {
        Ok(())
    } else {
        Err(ImportError::Primes)
    }
}

/// The first 64 bits of an integer, from its highest one.
fn leading_bits(integer: &[u8]) -> u64 {
    let mut first = [0; 16];
    let kept = integer.len().min(first.len());
    first[..kept].copy_from_slice(&integer[..kept]);
    let first = u128::from_be_bytes(first);
    (first << first.leading_zeros() >> 64) as u64
}

/// The difference of two integers of the same length, whichever is the greater one.
fn difference(a: &[u8], b: &[u8]) -> Zeroizing<Vec<u8>> {
    let (greater, less) = if a >= b { (a, b) } else { (b, a) };
    let mut borrow = false;
    let digits = greater.iter().zip(less).rev().map(|(greater, less)| {
        let (digit, first) = greater.overflowing_sub(*less);
        let (digit, second) = digit.overflowing_sub(u8::from(borrow));
        borrow = first || second;
        digit
    });
    let mut digits: Zeroizing<Vec<u8>> = Zeroizing::new(digits.collect());
    digits.reverse();
    digits
}

/// Bits of a non-negative integer without its leading zeros.
fn bit_length(integer: &[u8]) -> usize {
    let digits = unsigned(integer);
    digits.len() * 8 - digits.first().map_or(0, |byte| byte.leading_zeros() as usize)
}

/// Bits of the modulus of a key in PKCS#1 or PKCS#8; none where it is neither.
pub(super) fn bits(der: &[u8]) -> Option<usize> {
    let mut key = Elements(Elements(unwrap_pkcs8(der).unwrap_or(der)).expect(SEQUENCE)?);
    key.expect(INTEGER)?;
    Some(bit_length(key.expect(INTEGER)?))
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

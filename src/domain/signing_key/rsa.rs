//! RSA keys (RFC 7518 §6.3). The material is PKCS#1, because [`Signer`](crate::domain::jwt::Signer) requires it.

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::KeySize,
    signature::{KeyPair as _, RsaKeyPair},
};
use crypto_bigint::BoxedUint;
use crypto_primes::Flavor;
use zeroize::Zeroizing;

use super::{
    der::{Elements, INTEGER, OCTET_STRING, SEQUENCE},
    import_error::ImportError,
    published::{Published, jwk},
};
use crate::domain::jwt::{Algorithm, base64url};

/// Generates a key with 2048 bits and returns its material. With 3072 bits, a signature takes three times as long, at
/// each login and refresh. A key is replaced by rotation long before anybody can factor a modulus of 2048 bits. An
/// operator who wants a longer key can import it.
pub(super) fn generate() -> Zeroizing<Vec<u8>> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok();
    pair.and_then(|pair| pkcs1(&pair)).expect("the library generates a key if the system has randomness")
}

/// Reads PKCS#8 or PKCS#1 and returns the material, or `None` if the bytes are not an RSA key.
pub(super) fn read(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    pkcs1(&RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok()?)
}

/// Returns a key as PKCS#1. The library exports PKCS#8 (RFC 5208 §5), which contains PKCS#1 unchanged.
fn pkcs1(pair: &RsaKeyPair) -> Option<Zeroizing<Vec<u8>>> {
    let pkcs8 = pair.as_der().ok()?;
    unwrap_pkcs8(pkcs8.as_ref()).map(|key| Zeroizing::new(key.to_vec()))
}

/// Returns the private key inside PKCS#8, or `None` if the bytes are not PKCS#8.
fn unwrap_pkcs8(pkcs8: &[u8]) -> Option<&[u8]> {
    let mut info = Elements(Elements(pkcs8).expect(SEQUENCE)?);
    info.expect(INTEGER)?;
    info.expect(SEQUENCE)?;
    info.expect(OCTET_STRING)
}

/// The first 64 bits of the square root of 2. FIPS 186-5 requires that a prime of `n` bits is at least √2 · 2^(n - 1).
const ROOT_OF_TWO: u64 = 0xB504_F333_F9DE_6484;

/// Checks the conditions of FIPS 186-5 §A.1.1 and §A.1.3 on the exponent and the primes. The library does not check these
/// conditions: it only checks that the parts belong together. A key that does not satisfy the conditions can be factored in a
/// moment, has an exponent for which attacks are known, or can't sign. The modulus must have at least 2048 bits.
///
/// # Errors
/// [`ImportError::Exponent`] if the public exponent is below 65537. [`ImportError::Primes`] if the primes are too small, of
/// unequal length, too close to each other or not prime. [`ImportError::Unusable`] if the bytes are not PKCS#1.
pub(super) fn check_fips(pkcs1: &[u8]) -> Result<(), ImportError> {
    let parts = || {
        let mut key = Elements(Elements(pkcs1).expect(SEQUENCE)?);
        key.expect(INTEGER)?;
        let mut next = || key.expect(INTEGER).map(unsigned);
        // The order of the fields is the order in `RSAPrivateKey` (RFC 8017 §A.1.2).
        let (n, e, _d, p, q) = (next()?, next()?, next()?, next()?, next()?);
        Some((n, e, p, q))
    };
    let (n, e, p, q) = parts().ok_or(ImportError::Unusable)?;
    // The library rejects an even exponent, so an exponent with at most 16 bits is below 65537.
    if bit_length(e) <= 16 {
        return Err(ImportError::Exponent);
    }
    let half = bit_length(n) / 2;
    let is_half = |prime: &[u8]| bit_length(prime) == half && leading_bits(prime) >= ROOT_OF_TWO;
    // FIPS 186-5 §A.1.3: the primes differ by more than 2^(half - 100).
    let are_apart = || bit_length(&difference(p, q)) > half - 100;
    if bit_length(n).is_multiple_of(2) && is_half(p) && is_half(q) && are_apart() && is_prime(p) && is_prime(q) {
        Ok(())
    } else {
        Err(ImportError::Primes)
    }
}

/// Returns whether an integer is prime, by the test of Baillie, Pomerance, Selfridge and Wagstaff. No composite is known that
/// passes it.
fn is_prime(integer: &[u8]) -> bool {
    crypto_primes::is_prime(Flavor::Any, &BoxedUint::from_be_slice_vartime(unsigned(integer)))
}

/// Returns the first 64 bits of an integer, starting with its highest set bit.
fn leading_bits(integer: &[u8]) -> u64 {
    let mut first = [0; 16];
    let kept = integer.len().min(first.len());
    first[..kept].copy_from_slice(&integer[..kept]);
    let first = u128::from_be_bytes(first);
    (first << first.leading_zeros() >> 64) as u64
}

/// Returns the absolute difference of two integers of the same length.
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

/// Returns the number of bits of a non-negative integer, without leading zeros.
fn bit_length(integer: &[u8]) -> usize {
    let digits = unsigned(integer);
    digits.len() * 8 - digits.first().map_or(0, |byte| byte.leading_zeros() as usize)
}

/// Returns the number of bits of the modulus of a key in PKCS#1 or PKCS#8, or `None` if the bytes are neither.
pub(super) fn bits(der: &[u8]) -> Option<usize> {
    let mut key = Elements(Elements(unwrap_pkcs8(der).unwrap_or(der)).expect(SEQUENCE)?);
    key.expect(INTEGER)?;
    Some(bit_length(key.expect(INTEGER)?))
}

/// Returns an integer without the leading zeros that mark it as non-negative in DER.
fn unsigned(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    &integer[zeros..]
}

/// Returns the public half of a key, or `None` if the material is not an RSA key in PKCS#1.
pub(super) fn publish(algorithm: Algorithm, material: &[u8]) -> Option<Published> {
    let pair = RsaKeyPair::from_der(material).ok()?;
    // The public key is an `RSAPublicKey` (RFC 8017 §A.1.1): the modulus and the exponent.
    let check = pair.public_key().as_ref().to_vec();
    let mut public = Elements(Elements(&check).expect(SEQUENCE)?);
    let (n, e) = (unsigned(public.expect(INTEGER)?), unsigned(public.expect(INTEGER)?));
    let (kid, jwk) = jwk(algorithm, &[("e", &base64url(e)), ("kty", "RSA"), ("n", &base64url(n))]);
    Some(Published { kid, check, jwk: Some(jwk) })
}

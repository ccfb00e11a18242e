//! Tokens that a test creates or changes without the server.

use aws_lc_rs::{rand::SystemRandom, signature::EcdsaKeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha256, Sha384, Sha512};

/// The order of P-256, big-endian (SEC 2 §2.4.2).
pub const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Encodes bytes as base64url without padding, as the parts of a token are.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes a part of a token.
pub fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).expect("base64url")
}

/// Returns header, claims and signature of a token, each still encoded.
pub fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().expect("three parts")
}

/// Returns a token with this header and these claims, each a text of JSON. `sign` receives the signing input (RFC 7515 §5.1)
/// and returns the signature.
pub fn token(header: &str, claims: &str, sign: impl Fn(&str) -> Vec<u8>) -> String {
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = encode(sign(&input));
    format!("{input}.{signature}")
}

/// Returns a token that is signed with HS256.
pub fn hs256(header: impl ToString, claims: impl ToString, key: &[u8]) -> String {
    token(&header.to_string(), &claims.to_string(), |input| hmac("HS256", key, input))
}

/// Returns a token that is signed with ES256.
pub fn es256(header: impl ToString, claims: impl ToString, key: &EcdsaKeyPair) -> String {
    token(&header.to_string(), &claims.to_string(), |input| ecdsa(key, input))
}

/// Returns the signature of an HMAC algorithm: `HS256` or `HS384`. Any other name means HS512.
pub fn hmac(algorithm: &str, key: &[u8], input: &str) -> Vec<u8> {
    macro_rules! mac {
        ($hash:ty) => {
            Hmac::<$hash>::new_from_slice(key).expect("any key").chain_update(input).finalize().into_bytes().to_vec()
        };
    }
    match algorithm {
        "HS256" => mac!(Sha256),
        "HS384" => mac!(Sha384),
        _ => mac!(Sha512),
    }
}

/// Returns the signature of ES256: 64 bytes, `r` and then `s`.
pub fn ecdsa(key: &EcdsaKeyPair, input: &str) -> Vec<u8> {
    key.sign(&SystemRandom::new(), input.as_bytes()).expect("it signs").as_ref().to_vec()
}

/// Returns the same token with its second valid ES256 signature: `n - s` replaces `s`, where `n` is [`ORDER`].
pub fn high_s_twin(token: &str) -> String {
    let [header, claims, signature] = parts(token);
    let bytes = decode(signature);
    format!("{header}.{claims}.{}", encode([bytes[..32].to_vec(), negated(&bytes[32..])].concat()))
}

/// Returns `n - s`. A signature with `n - s` is as valid as the signature with `s` (malleability of ECDSA).
fn negated(s: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference = vec![0; 32];
    for at in (0..32).rev() {
        let value = i16::from(ORDER[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(value < 0);
        difference[at] = u8::try_from(value + 256 * borrow).expect("it is a byte");
    }
    difference
}

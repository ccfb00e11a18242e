//! The one door to `jsonwebtoken`: signing and checking compact JWS (RFC 7515). Which claims must hold is decided by
//! `access_token` and `refresh_token`; the library's own look at the clock is switched off.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm as JwtAlgorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Serialize, de::DeserializeOwned};

/// Longest token that is looked at, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// HMAC with SHA-256.
    Hs256,
}

impl Algorithm {
    /// The name in the header (RFC 7518 §3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Es256, Self::Hs256].into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    const fn library(self) -> JwtAlgorithm {
        match self {
            Self::Es256 => JwtAlgorithm::ES256,
            Self::Hs256 => JwtAlgorithm::HS256,
        }
    }
}

/// Why a token is not one of ours. The text of the library never leaves this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not three base64url parts of JSON, or a claim is missing, doubled or of the wrong type.
    #[error("not a well-formed token")]
    Shape,
    /// The signature is not of the key.
    #[error("wrong signature")]
    Signature,
}

/// Signs under one key.
pub struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    /// A key of the algorithm: PKCS#8 DER for ES256, the raw secret for HS256.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        let key = match algorithm {
            Algorithm::Es256 => EncodingKey::from_ec_der(key),
            Algorithm::Hs256 => EncodingKey::from_secret(key),
        };
        Self { key, algorithm }
    }

    /// A token over `claims`. For HS256 the same input gives the same bytes.
    pub fn sign<C: Serialize>(&self, typ: &str, kid: Option<&str>, claims: &C) -> String {
        let mut header = Header::new(self.algorithm.library());
        header.typ = Some(typ.to_owned());
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.key).expect("a key that was checked when it was made signs")
    }
}

/// Checks signatures of one key, by that key's algorithm and no other.
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    /// For HMAC, the secret itself.
    pub fn hmac(secret: &[u8]) -> Self {
        Self::new(DecodingKey::from_secret(secret), Algorithm::Hs256)
    }

    /// For ES256, the uncompressed point (SEC 1 §2.3.3).
    pub fn es256(point: &[u8]) -> Self {
        Self::new(DecodingKey::from_ec_der(point), Algorithm::Es256)
    }

    fn new(key: DecodingKey, algorithm: Algorithm) -> Self {
        let mut validation = Validation::new(algorithm.library());
        // Claims are checked by our own types, against the time that the caller brings.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self { key, validation }
    }

    /// The claims of a token that this key signed. Whether they hold is the caller's question.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn verify<C: DeserializeOwned>(&self, token: &str) -> Result<C, Malformed> {
        jsonwebtoken::decode::<C>(token, &self.key, &self.validation).map(|data| data.claims).map_err(|error| {
            match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature
                | jsonwebtoken::errors::ErrorKind::InvalidAlgorithm => Malformed::Signature,
                _ => Malformed::Shape,
            }
        })
    }
}

/// What an unchecked header says: which kind of token this wants to be, and which key it names.
#[derive(Debug)]
pub struct Hints {
    /// `typ`, lower case.
    pub typ: Option<String>,
    /// `kid`.
    pub kid: Option<String>,
}

/// Reads the header of a token without believing it.
///
/// # Errors
/// [`Malformed::Shape`]; also for a header with `crit`, which asks for an extension that we don't have (RFC 7515 §4.1.11).
pub fn hints(token: &str) -> Result<Hints, Malformed> {
    if token.len() > MAX_BYTES {
        return Err(Malformed::Shape);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Malformed::Shape)?;
    if header.crit.is_some() {
        return Err(Malformed::Shape);
    }
    Ok(Hints { typ: header.typ.map(|typ| typ.to_ascii_lowercase()), kid: header.kid })
}

/// The bytes of base64 with its usual alphabet and padding (RFC 4648 §4), as HTTP Basic has it; none where it is not that.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// base64 with its usual alphabet and padding (RFC 4648 §4).
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// base64url without padding (RFC 7515 §2).
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

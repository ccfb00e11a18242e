//! Signing and verification of compact JWS (RFC 7515). This is the only module that uses `jsonwebtoken`. The modules
//! `access_token` and `refresh_token` check the claims; the checks of the library are switched off.

use std::str::FromStr;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm as JwtAlgorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::unique_json::UniqueJson;

/// The header parameter `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TYP: &str = "at+jwt";

/// The header parameter `typ` of a refresh token.
pub const REFRESH_TYP: &str = "rt+jwt";

/// The length of the longest token that is read, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

macro_rules! algorithms {
    ($($(#[$doc:meta])* $name:ident = $word:literal in $family:ident as $library:ident),+ $(,)?) => {
        /// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Algorithm {
            $($(#[$doc])* $name),+
        }

        impl Algorithm {
            /// All algorithms.
            pub const ALL: &[Self] = &[$(Self::$name),+];
            /// The values of the header parameter `alg`, in the same order.
            pub const WORDS: &[&str] = &[$($word),+];

            /// Returns the value of the header parameter `alg`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// Returns the type of the algorithm's keys.
            pub const fn family(self) -> Family {
                match self { $(Self::$name => Family::$family),+ }
            }

            /// Returns the algorithm in the type of the library.
            const fn library(self) -> JwtAlgorithm {
                match self { $(Self::$name => JwtAlgorithm::$library),+ }
            }
        }
    };
}
algorithms! {
    /// ECDSA with P-256 and SHA-256.
    Es256 = "ES256" in Ec as ES256,
    /// ECDSA with P-384 and SHA-384.
    Es384 = "ES384" in Ec as ES384,
    /// Ed25519.
    EdDsa = "EdDSA" in Ed25519 as EdDSA,
    /// RSA with PKCS #1 v1.5 padding and SHA-256.
    Rs256 = "RS256" in Rsa as RS256,
    /// RSA with PKCS #1 v1.5 padding and SHA-384.
    Rs384 = "RS384" in Rsa as RS384,
    /// RSA with PKCS #1 v1.5 padding and SHA-512.
    Rs512 = "RS512" in Rsa as RS512,
    /// RSA with PSS padding and SHA-256.
    Ps256 = "PS256" in Rsa as PS256,
    /// RSA with PSS padding and SHA-384.
    Ps384 = "PS384" in Rsa as PS384,
    /// RSA with PSS padding and SHA-512.
    Ps512 = "PS512" in Rsa as PS512,
    /// HMAC with SHA-256.
    Hs256 = "HS256" in Secret as HS256,
    /// HMAC with SHA-384.
    Hs384 = "HS384" in Secret as HS384,
    /// HMAC with SHA-512.
    Hs512 = "HS512" in Secret as HS512,
}

impl Algorithm {
    /// Returns the least number of bytes of a shared key, which is the number of bytes of the hash (RFC 7518 §3.2).
    /// Returns `None` if the algorithm does not use a shared key.
    pub const fn least_secret_bytes(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            _ => None,
        }
    }
}

/// A type of key. Several algorithms may use keys of the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A key on the curve P-256 or P-384.
    Ec,
    /// An Ed25519 key (RFC 8032).
    Ed25519,
    /// An RSA key.
    Rsa,
    /// A secret that the issuer and the verifier share.
    Secret,
}

/// Reads the value of the header parameter `alg`. Fails if this server does not support the algorithm.
impl FromStr for Algorithm {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name).ok_or(())
    }
}

impl Algorithm {
    /// Returns whether issuer and verifier share the key as a secret.
    pub fn is_symmetric(self) -> bool {
        self.family() == Family::Secret
    }
}

/// A reason for which a text is not a valid token. The error texts of the library are not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The text is not three base64url parts that contain JSON, or a claim is missing, duplicated or of the wrong type.
    #[error("not a well-formed token")]
    Shape,
    /// The signature was not created with this key, or the header names another algorithm.
    #[error("wrong signature")]
    Signature,
}

/// A key that signs tokens, with its algorithm.
pub struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    /// Returns a signer. `key` must be a valid key of the algorithm; it is not checked. `key` is the raw secret for
    /// HMAC, PKCS#1 DER for RSA (RFC 8017 §A.1.2), and PKCS#8 DER for the other algorithms.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        let key = match algorithm.family() {
            Family::Ec => EncodingKey::from_ec_der(key),
            Family::Ed25519 => EncodingKey::from_ed_der(key),
            Family::Rsa => EncodingKey::from_rsa_der(key),
            Family::Secret => EncodingKey::from_secret(key),
        };
        Self { key, algorithm }
    }

    /// Returns a signed token with the given claims. The same input always results in the same bytes with HMAC, Ed25519
    /// and PKCS #1 v1.5. The signatures of ECDSA and PSS differ each time.
    pub fn sign<C: Serialize>(&self, typ: &str, kid: Option<&str>, claims: &C) -> String {
        let mut header = Header::new(self.algorithm.library());
        header.typ = Some(typ.to_owned());
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.key).expect("a key that was checked when it was created can sign")
    }
}

/// A key that verifies signatures. It accepts only its own algorithm (RFC 8725 §3.1).
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    /// Returns a verifier for HS256. `secret` is the raw secret.
    pub fn hmac(secret: &[u8]) -> Self {
        Self::new(Algorithm::Hs256, secret)
    }

    /// Returns a verifier. The form of `key` depends on the algorithm:
    ///
    /// - HMAC: the raw secret.
    /// - RSA: the public key in PKCS#1 DER (RFC 8017 §A.1.1).
    /// - ECDSA: the uncompressed point (SEC 1 §2.3.3).
    /// - Ed25519: the 32 bytes of the point (RFC 8032 §5.1.2).
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        let key = match algorithm.family() {
            Family::Ec => DecodingKey::from_ec_der(key),
            Family::Ed25519 => DecodingKey::from_ed_der(key),
            Family::Rsa => DecodingKey::from_rsa_der(key),
            Family::Secret => DecodingKey::from_secret(key),
        };
        let mut validation = Validation::new(algorithm.library());
        // The caller checks the claims. It receives the time as a parameter, while the library would read the system
        // clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self { key, validation }
    }

    /// Verifies the signature and returns the claims, which are a JSON object that has no name twice. The caller must check the
    /// claims.
    ///
    /// # Errors
    /// [`Malformed::Signature`] if another key or algorithm signed the token, otherwise [`Malformed::Shape`].
    pub fn verify<C: DeserializeOwned>(&self, token: &str) -> Result<C, Malformed> {
        let read = jsonwebtoken::decode::<UniqueJson>(token, &self.key, &self.validation);
        let UniqueJson(claims) = read.map(|data| data.claims).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature | jsonwebtoken::errors::ErrorKind::InvalidAlgorithm => {
                Malformed::Signature
            }
            _ => Malformed::Shape,
        })?;
        // A type could be read from a list too, whose items have no names.
        if claims.is_object() {
            serde_json::from_value(claims).map_err(|_| Malformed::Shape)
        } else {
            Err(Malformed::Shape)
        }
    }
}

/// Returns the header and the claims of a token, both unverified. Returns `None` if the text is not a JWT in compact form.
pub fn decode_unverified(token: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let mut parts = token.split('.');
    let mut object = || -> Option<Map<String, Value>> { serde_json::from_slice(&from_base64url(parts.next()?)?).ok() };
    let (header, claims) = (object()?, object()?);
    (parts.next().is_some() && parts.next().is_none()).then_some((header, claims))
}

/// The unverified header parameters with which the server selects the key and the code that verify the token.
#[derive(Debug)]
pub struct Hints {
    /// The parameter `typ`, in lower case.
    pub typ: Option<String>,
    /// `kid`.
    pub kid: Option<String>,
}

/// Reads the header of a token without verifying the signature.
///
/// # Errors
/// [`Malformed::Shape`] if the text is not a token, if it is longer than [`MAX_BYTES`], or if its header has `crit`.
/// This server implements no extension that `crit` could name (RFC 7515 §4.1.11).
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

/// Decodes base64 with the standard alphabet and padding (RFC 4648 §4), as HTTP Basic authentication sends it. Returns
/// `None` if the text is malformed.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Encodes bytes as base64 with the standard alphabet and padding (RFC 4648 §4).
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Encodes bytes as base64url without padding (RFC 7515 §2).
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding, such as the output of [`base64url`]. Returns `None` if the text is malformed.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

//! The one door to `jsonwebtoken`: signing and checking compact JWS (RFC 7515). Which claims must hold is decided by
//! `access_token` and `refresh_token`; the library's own look at the clock is switched off.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm as JwtAlgorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Serialize, de::DeserializeOwned};

/// `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TYP: &str = "at+jwt";

/// `typ` of a refresh token.
pub const REFRESH_TYP: &str = "rt+jwt";

/// Longest token that is looked at, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

macro_rules! algorithms {
    ($($(#[$doc:meta])* $name:ident = $word:literal in $family:ident as $library:ident),+ $(,)?) => {
        /// How a key signs (RFC 7518 §3.1, RFC 8037 §3.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Algorithm {
            $($(#[$doc])* $name),+
        }

        impl Algorithm {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name in the header.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// What its keys are.
            pub const fn family(self) -> Family {
                match self { $(Self::$name => Family::$family),+ }
            }

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
    /// The same with SHA-384.
    Rs384 = "RS384" in Rsa as RS384,
    /// The same with SHA-512.
    Rs512 = "RS512" in Rsa as RS512,
    /// RSA with PSS padding and SHA-256.
    Ps256 = "PS256" in Rsa as PS256,
    /// The same with SHA-384.
    Ps384 = "PS384" in Rsa as PS384,
    /// The same with SHA-512.
    Ps512 = "PS512" in Rsa as PS512,
    /// HMAC with SHA-256.
    Hs256 = "HS256" in Secret as HS256,
    /// HMAC with SHA-384.
    Hs384 = "HS384" in Secret as HS384,
    /// HMAC with SHA-512.
    Hs512 = "HS512" in Secret as HS512,
}

/// What a key is, whatever it signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A point on a curve of NIST's.
    Ec,
    /// A point on Curve25519.
    Ed25519,
    /// A modulus and an exponent.
    Rsa,
    /// Bytes that both sides share.
    Secret,
}

impl Algorithm {
    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
    }

    /// Whether the key is a secret that both sides share.
    pub fn is_symmetric(self) -> bool {
        self.family() == Family::Secret
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
    /// A key of the algorithm: the raw secret for HMAC, PKCS#1 DER for RSA (RFC 8017 §A.1.2), PKCS#8 DER for the others.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        let key = match algorithm.family() {
            Family::Ec => EncodingKey::from_ec_der(key),
            Family::Ed25519 => EncodingKey::from_ed_der(key),
            Family::Rsa => EncodingKey::from_rsa_der(key),
            Family::Secret => EncodingKey::from_secret(key),
        };
        Self { key, algorithm }
    }

    /// A token over `claims`. For HMAC, Ed25519 and RSA without PSS the same input gives the same bytes.
    pub fn sign<C: Serialize>(&self, typ: &str, kid: Option<&str>, claims: &C) -> String {
        let mut header = Header::new(self.algorithm.library());
        header.typ = Some(typ.to_owned());
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.key).expect("a key that was checked when it was made signs")
    }
}

/// Checks signatures of one key, by that key's algorithm and no other (RFC 8725 §3.1).
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    /// For HMAC, the secret itself.
    pub fn hmac(secret: &[u8]) -> Self {
        Self::new(Algorithm::Hs256, secret)
    }

    /// What checks, for each algorithm: the secret itself for HMAC, PKCS#1 DER for RSA (RFC 8017 §A.1.1), the uncompressed
    /// point for ECDSA (SEC 1 §2.3.3), the 32 bytes of the point for Ed25519 (RFC 8032 §5.1.2).
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        let key = match algorithm.family() {
            Family::Ec => DecodingKey::from_ec_der(key),
            Family::Ed25519 => DecodingKey::from_ed_der(key),
            Family::Rsa => DecodingKey::from_rsa_der(key),
            Family::Secret => DecodingKey::from_secret(key),
        };
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

/// Reads [`base64url`].
pub(super) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

//! What keys are made from, and which algorithm signs.

use std::path::PathBuf;

use super::{
    reader::{Read, Reader},
    secret::{LEAST_ROOT_BYTES, Secret},
    setting::vocabulary,
};

vocabulary! {
    /// What access tokens are signed with (RFC 7518 §3.1, RFC 8037 §3.1).
    pub Algorithm {
        /// ECDSA over P-256.
        Es256 = "ES256",
        /// ECDSA over P-384.
        Es384 = "ES384",
        /// Ed25519.
        EdDsa = "EdDSA",
        /// RSA with PKCS #1 v1.5 padding and SHA-256.
        Rs256 = "RS256",
        /// The same with SHA-384.
        Rs384 = "RS384",
        /// The same with SHA-512.
        Rs512 = "RS512",
        /// RSA with PSS padding and SHA-256.
        Ps256 = "PS256",
        /// The same with SHA-384.
        Ps384 = "PS384",
        /// The same with SHA-512.
        Ps512 = "PS512",
        /// HMAC with a key shared with those who verify.
        Hs256 = "HS256",
        /// The same with SHA-384.
        Hs384 = "HS384",
        /// The same with SHA-512.
        Hs512 = "HS512",
    }
}

impl Algorithm {
    /// Bytes that a shared key has at the least: as many as the hash gives (RFC 7518 §3.2). None where keys aren't shared.
    const fn least_shared_bytes(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            _ => None,
        }
    }
}

/// What keys are made from.
#[derive(Debug, Clone)]
pub struct Keys {
    /// From the setting or its file, at least 32 bytes; `None`: the one in the data directory.
    pub root_secret: Option<Secret>,
    /// A signing key for HS256, HS384 or HS512, with at least 32, 48 or 64 bytes.
    pub secret_key: Option<Secret>,
    /// Of new signing keys.
    pub algorithm: Algorithm,
}

impl Keys {
    pub(super) fn read(reader: &mut Reader) -> Read<Self> {
        let root_secret = secret(reader, "root_secret", "root_secret_file", LEAST_ROOT_BYTES);
        let has_secret_key = reader.is_given("secret_key") || reader.is_given("secret_key_file");
        let usual = if has_secret_key { Algorithm::Hs256 } else { Algorithm::Es256 };
        let mut algorithm = reader.or("algorithm", Ok(usual));
        let least = algorithm.as_ref().ok().and_then(|algorithm| algorithm.least_shared_bytes());
        let secret_key = secret(reader, "secret_key", "secret_key_file", least.unwrap_or(LEAST_ROOT_BYTES));
        if has_secret_key && algorithm.is_ok() && least.is_none() {
            algorithm = Err(reader.refuse(
                "algorithm",
                "can't sign with secret_key; leave out one of the two, or set HS256, HS384 or HS512",
            ));
        }
        Ok(Self { root_secret: root_secret?, secret_key: secret_key?, algorithm: algorithm? })
    }
}

/// A secret that is given under `key`, or in the file that `file_key` names.
fn secret(reader: &mut Reader, key: &str, file_key: &str, least: usize) -> Read<Option<Secret>> {
    let inline = reader.optional::<Secret>(key);
    let path = reader.optional::<PathBuf>(file_key);
    let (secret, source) = match (inline?, path?) {
        (Some(_), Some(_)) => {
            let other = reader.describe(key);
            return Err(reader.refuse(file_key, format!("can't be given together with {other}")));
        }
        (Some(secret), None) => (secret, key),
        (None, Some(path)) => match Secret::from_file(&path) {
            Ok(secret) => (secret, file_key),
            Err(wrong) => return Err(reader.refuse(file_key, wrong)),
        },
        (None, None) => return Ok(None),
    };
    secret.check(least).map_err(|wrong| reader.refuse(source, wrong))?;
    Ok(Some(secret))
}

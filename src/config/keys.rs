//! What keys are made from, and which algorithm signs.

use std::path::PathBuf;

use super::{
    reader::{Read, Reader},
    secret::Secret,
    setting::vocabulary,
};

/// What HS256 asks for (RFC 7518 §3.2), and what a root secret needs to be beyond guessing.
const LEAST_BYTES: usize = 32;

vocabulary! {
    /// What access tokens are signed with. Others follow; these are available.
    pub Algorithm {
        /// ECDSA over P-256, verified with the published key set.
        Es256 = "ES256",
        /// HMAC with a key shared with those who verify.
        Hs256 = "HS256",
    }
}

/// What keys are made from.
#[derive(Debug, Clone)]
pub struct Keys {
    /// From the setting or its file, at least 32 bytes; `None`: the one in the data directory.
    pub root_secret: Option<Secret>,
    /// A signing key for HS256, at least 32 bytes.
    pub secret_key: Option<Secret>,
    /// Of new signing keys.
    pub algorithm: Algorithm,
}

impl Keys {
    pub(super) fn read(reader: &mut Reader) -> Read<Self> {
        let root_secret = secret(reader, "root_secret", "root_secret_file");
        let secret_key = secret(reader, "secret_key", "secret_key_file");
        let has_secret_key = reader.is_given("secret_key") || reader.is_given("secret_key_file");
        let usual = if has_secret_key { Algorithm::Hs256 } else { Algorithm::Es256 };
        let mut algorithm = reader.or("algorithm", Ok(usual));
        if has_secret_key && algorithm.is_ok_and(|algorithm| algorithm == Algorithm::Es256) {
            algorithm =
                Err(reader.refuse("algorithm", "can't sign with secret_key; leave out one of the two, or set HS256"));
        }
        Ok(Self { root_secret: root_secret?, secret_key: secret_key?, algorithm: algorithm? })
    }
}

/// A secret that is given under `key`, or in the file that `file_key` names.
fn secret(reader: &mut Reader, key: &str, file_key: &str) -> Read<Option<Secret>> {
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
    secret.check(LEAST_BYTES).map_err(|wrong| reader.refuse(source, wrong))?;
    Ok(Some(secret))
}

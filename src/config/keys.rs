//! The secrets from which keys are derived, and the algorithm of new signing keys.

use std::path::PathBuf;

use super::{
    declare::keys,
    reader::{Read, Reader},
    secret_file,
};
use crate::domain::{
    jwt::Algorithm,
    secret::{LEAST_ROOT_BYTES, Secret},
};

/// The secrets from which keys are derived, and the algorithm of new signing keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// At least 32 bytes, from the setting or its file. `None` if the secret is in the data directory.
    pub root_secret: Option<Secret>,
    /// A signing key for HS256, HS384 or HS512, with at least 32, 48 or 64 bytes.
    pub secret_key: Option<Secret>,
    /// The algorithm of new signing keys.
    pub algorithm: Algorithm,
}

keys! {
    SecretKeys in "keys", |reader| {
        /// At least 32 bytes. The keys that seal signing keys, sign refresh tokens and CSRF tokens, and hash devices are
        /// derived from them. Unset: made at the first start.
        #[key("root_secret", secret = true)]
        root_secret: Option<Secret>,
        /// A file that contains the root secret instead. Unset: `secret.key` in `data_dir`.
        #[key("root_secret_file", example = "/run/secrets/vestibule-root")]
        root_secret_file: Option<PathBuf>,
        /// A signing key that this server shares with the services that verify its tokens: at least 32 bytes for HS256, 48 for
        /// HS384, 64 for HS512, and no sample from a documentation.
        #[key("secret_key", secret = true, main = true)]
        secret_key: Option<Secret>,
        /// A file that contains the signing key instead.
        #[key("secret_key_file", example = "/run/secrets/vestibule-key")]
        secret_key_file: Option<PathBuf>,
        /// The algorithm of new signing keys: ES256/384, EdDSA, RS256/384/512, PS256/384/512 or HS256/384/512. Unset: ES256, or
        /// HS256 if only `secret_key` is set.
        #[key("algorithm", example = "ES256", main = true)]
        #[read(otherwise = Ok(if has_secret_key(reader) { Algorithm::Hs256 } else { Algorithm::Es256 }))]
        algorithm: Algorithm,
        then {}
    }
}

fn has_secret_key(reader: &Reader) -> bool {
    reader.is_given("secret_key") || reader.is_given("secret_key_file")
}

impl SecretKeys {
    /// Takes each secret from its setting or from its file, and checks it.
    pub(super) fn complete(self, reader: &mut Reader) -> Read<Keys> {
        let root_secret = Pair("root_secret", "root_secret_file")
            .choose(reader, self.root_secret, self.root_secret_file, LEAST_ROOT_BYTES);
        let least = self.algorithm.ok().and_then(Algorithm::least_secret_bytes);
        let secret_key = Pair("secret_key", "secret_key_file").choose(
            reader,
            self.secret_key,
            self.secret_key_file,
            least.unwrap_or(LEAST_ROOT_BYTES),
        );
        if has_secret_key(reader) && self.algorithm.is_ok() && least.is_none() {
            let wrong = "can't sign with secret_key; leave out one of the two, or set HS256, HS384 or HS512";
            return Err(reader.refuse("algorithm", wrong));
        }
        Ok(Keys { root_secret: root_secret?, secret_key: secret_key?, algorithm: self.algorithm? })
    }
}

/// The key of a secret, and the key of a file that contains the secret instead.
struct Pair(&'static str, &'static str);

impl Pair {
    fn choose(
        self,
        reader: &mut Reader,
        inline: Read<Option<Secret>>,
        file: Read<Option<PathBuf>>,
        least: usize,
    ) -> Read<Option<Secret>> {
        let Self(key, file_key) = self;
        let (secret, source) = match (inline?, file?) {
            (Some(_), Some(_)) => {
                let other = reader.describe(key);
                return Err(reader.refuse(file_key, format!("can't be given together with {other}")));
            }
            (Some(secret), None) => (secret, key),
            (None, Some(path)) => (secret_file::read(&path).map_err(|wrong| reader.refuse(file_key, wrong))?, file_key),
            (None, None) => return Ok(None),
        };
        secret.check(least).map_err(|wrong| reader.refuse(source, wrong))?;
        Ok(Some(secret))
    }
}

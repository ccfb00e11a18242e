//! The secrets from which keys are derived, and the algorithm of new signing keys.

use std::path::PathBuf;

use super::{
    declare::keys,
    reader::{Read, Reader},
};
use crate::{
    domain::{
        jwt::Algorithm,
        secret::{LEAST_ROOT_BYTES, Secret},
    },
    files::read_secret,
};

/// The secrets from which keys are derived, and the algorithm of new signing keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The root secret, at least 32 bytes, from the setting or its file. `None` if the root secret is in the data directory.
    pub root_secret: Option<Secret>,
    /// The configured signing key for HS256, HS384 or HS512, with at least 32, 48 or 64 bytes. `None` if the signing keys are
    /// in the database.
    pub secret_key: Option<Secret>,
    /// The algorithm of new signing keys.
    pub algorithm: Algorithm,
}

keys! {
    SecretKeys in "keys", |reader| {
        /// The root secret, at least 32 bytes. The server derives from it the keys that encrypt signing keys, sign refresh
        /// tokens and CSRF tokens, and hash devices. Unset: generated at the first start.
        #[key("root_secret", secret = true)]
        root_secret: Option<Secret>,
        /// The file that contains the root secret, instead of `root_secret`. Unset: `secret.key` in `data_dir`.
        #[key("root_secret_file", example = "/run/secrets/vestibule-root")]
        root_secret_file: Option<PathBuf>,
        /// The secret that signs access tokens, if this server shares it with the services that verify them. It has at least
        /// 32 bytes for HS256, 48 for HS384, 64 for HS512. Well-known sample keys are refused.
        #[key("secret_key", secret = true, main = true)]
        secret_key: Option<Secret>,
        /// The file that contains the secret for signing, instead of `secret_key`.
        #[key("secret_key_file", example = "/run/secrets/vestibule-key")]
        secret_key_file: Option<PathBuf>,
        /// The algorithm of new signing keys: `ES256`, `ES384`, `EdDSA`, `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`,
        /// `HS256`, `HS384` or `HS512`. With `secret_key`, only the last three are allowed. Unset: `ES256`, or `HS256` with
        /// `secret_key`.
        #[key("algorithm", example = "ES256", main = true)]
        #[otherwise(Ok(if has_secret_key(reader) { Algorithm::Hs256 } else { Algorithm::Es256 }))]
        algorithm: Algorithm,
        then {}
    }
}

/// Returns whether a source set `secret_key` or `secret_key_file`.
fn has_secret_key(reader: &Reader) -> bool {
    reader.is_given("secret_key") || reader.is_given("secret_key_file")
}

impl SecretKeys {
    /// Reads each secret from its setting or from its file, and checks it. Refuses `secret_key` together with an algorithm of
    /// key pairs.
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

/// The names of two keys: the key of a secret, and the key of a file that contains the secret.
struct Pair(&'static str, &'static str);

impl Pair {
    /// Returns the secret from the setting or from the file; `None` if neither is set. Refuses both together, and a secret of
    /// fewer than `least` bytes or that is easy to guess.
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
            (None, Some(path)) => (read_secret(&path).map_err(|wrong| reader.refuse(file_key, wrong))?, file_key),
            (None, None) => return Ok(None),
        };
        secret.check(least).map_err(|wrong| reader.refuse(source, wrong))?;
        Ok(Some(secret))
    }
}

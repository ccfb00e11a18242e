//! The secrets from which keys are derived, and the algorithm of new signing keys.

use super::{declare::settings, reader::Reader};
use crate::{
    config::{Algorithm, Secret, SecretFile},
    domain::secret::LEAST_ROOT_BYTES,
};

settings! {
    /// The secrets from which keys are derived, and the algorithm of new signing keys.
    pub struct Keys, SecretKeys in "keys", |reader| check {
        /// The root secret, at least 32 bytes. The server derives from it the keys that encrypt signing keys, sign refresh
        /// tokens and CSRF tokens, and hash devices. Unset: generated at the first start.
        #[key("root_secret", secret = true)]
        inline_root_secret: Option<Secret>,
        /// The file that contains the root secret, instead of `root_secret`. Unset: `secret.key` in `data_dir`.
        #[key("root_secret_file", example = "/run/secrets/vestibule-root")]
        root_secret_file: Option<SecretFile>,
        /// The secret that signs access tokens, if this server shares it with the services that verify them. It has at least
        /// 32 bytes for HS256, 48 for HS384, 64 for HS512. Well-known sample keys are refused.
        #[key("secret_key", secret = true, main = true)]
        inline_secret_key: Option<Secret>,
        /// The file that contains the secret for signing, instead of `secret_key`.
        #[key("secret_key_file", example = "/run/secrets/vestibule-key")]
        secret_key_file: Option<SecretFile>,
        /// The algorithm of new signing keys: `ES256`, `ES384`, `EdDSA`, `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`,
        /// `HS256`, `HS384` or `HS512`. With `secret_key` or `secret_key_file`, only the last three are allowed. Unset: `HS256`
        /// with one of these keys, otherwise `ES256`.
        #[key("algorithm", example = "ES256", main = true)]
        #[otherwise(Ok(if has_secret_key(reader) { Algorithm::Hs256 } else { Algorithm::Es256 }))]
        algorithm: Algorithm,
    }
}

/// Returns whether a source set `secret_key` or `secret_key_file`.
fn has_secret_key(reader: &Reader) -> bool {
    reader.is_given("secret_key") || reader.is_given("secret_key_file")
}

impl Keys {
    /// Returns the root secret, at least 32 bytes, from the setting or its file. `None` if the root secret is in the data
    /// directory.
    pub fn root_secret(&self) -> Option<&Secret> {
        self.inline_root_secret.as_ref().or(self.root_secret_file.as_ref().map(SecretFile::secret))
    }

    /// Returns the configured signing key for HS256, HS384 or HS512, with at least 32, 48 or 64 bytes. `None` if the signing
    /// keys are in the database.
    pub fn secret_key(&self) -> Option<&Secret> {
        self.inline_secret_key.as_ref().or(self.secret_key_file.as_ref().map(SecretFile::secret))
    }
}

impl SecretKeys {
    /// Refuses a secret beside its file, a secret that is too short or easy to guess, and `secret_key` together with an
    /// algorithm of key pairs.
    fn check(&self, reader: &mut Reader) {
        let least = self.algorithm.ok().and_then(Algorithm::least_secret_bytes).unwrap_or(LEAST_ROOT_BYTES);
        for (key, secret, file_key, file, least) in [
            ("root_secret", &self.inline_root_secret, "root_secret_file", &self.root_secret_file, LEAST_ROOT_BYTES),
            ("secret_key", &self.inline_secret_key, "secret_key_file", &self.secret_key_file, least),
        ] {
            if reader.is_given(key) && reader.is_given(file_key) {
                let other = reader.describe(key);
                reader.refuse(file_key, format!("can't be given together with {other}"));
                continue;
            }
            let (source, secret) = match (secret, file) {
                (Ok(Some(secret)), _) => (key, secret),
                (_, Ok(Some(file))) => (file_key, file.secret()),
                _ => continue,
            };
            if let Err(wrong) = secret.check(least) {
                reader.refuse(source, wrong);
            }
        }
        let is_given = has_secret_key(reader);
        let wrong = "can't sign with secret_key or secret_key_file; leave out the secret, leave out algorithm, or set \
                     HS256, HS384 or HS512";
        reader.check("algorithm", wrong, || Ok(is_given && self.algorithm?.least_secret_bytes().is_none()));
    }
}

//! `vestibule keys import`.

use std::{io::Read as _, path::PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use super::{algorithm::algorithm, rotate::Now};
use crate::{
    cli::{Failure, own_files::refuse_database},
    domain::{
        jwt::{Algorithm, Family},
        signing_key::SigningKey,
    },
    files::{open, plain},
    flows::Vestibule,
};

/// The maximum number of bytes that are read from the file. The PEM file of an RSA key of 8192 bits has 6.5 KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Import {
    /// The PEM file with the private key; /dev/stdin reads it from stdin
    file: PathBuf,
    /// The algorithm of an RSA key: RS256, RS384, RS512, PS256, PS384 or PS512
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
    #[command(flatten)]
    now: Now,
}

impl Import {
    /// Reads the key from the file and makes it the signing key, at once or after ten minutes. Fails if the file can't be read,
    /// or has no suitable private key.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let failed = |why: &dyn std::fmt::Display| Failure::new(format!("can't use {}: {why}", self.file.display()));
        refuse_database(vestibule, "use", &self.file)?;
        let mut bytes = Zeroizing::new(Vec::new());
        open(&self.file)
            .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
            .map_err(|error| failed(&error))?;
        let text = std::str::from_utf8(plain(&bytes).map_err(|wrong| failed(&wrong))?);
        let text = text.map_err(|_| failed(&"it is not PEM"))?;
        let key = match self.algorithm {
            Some(algorithm) => SigningKey::from_pem(text, Some(algorithm)),
            // An RSA key fits several algorithms, so the setting selects one of them. The algorithm of any other key is fixed.
            None => {
                let setting = vestibule.config.keys.algorithm;
                SigningKey::from_pem(text, None).and_then(|key| match (key.algorithm.family(), setting.family()) {
                    (Family::Rsa, Family::Rsa) => SigningKey::from_pem(text, Some(setting)),
                    _ => Ok(key),
                })
            }
        };
        let key = key.map_err(|error| failed(&error))?;
        self.now.start_signing(vestibule, key).await
    }
}

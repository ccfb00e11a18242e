//! Files that contain a secret.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{plain, read_first};
use crate::domain::secret::{LEAST_ROOT_BYTES, Secret};

/// The maximum size of a file with a secret, in bytes. No key needs more.
const MAX_BYTES: usize = 4096;

/// Reads a new root secret from a file, and checks it.
///
/// # Errors
/// A message without the path: the file can't be read, is UTF-16 or has more than 4096 bytes, or the secret has fewer than 32
/// bytes or is easy to guess.
pub fn read_root_secret(path: &Path) -> Result<Secret, String> {
    let secret = read_secret(path)?;
    secret.check(LEAST_ROOT_BYTES)?;
    Ok(secret)
}

/// A secret that was read from a file, with the path of the file.
#[derive(Clone, Debug)]
pub struct SecretFile {
    path: PathBuf,
    secret: Secret,
}

impl SecretFile {
    /// Reads the secret in the file at `path`. Does not check how strong the secret is.
    ///
    /// # Errors
    /// A message without the path: the file can't be read, is UTF-16, or has more than 4096 bytes.
    pub fn read(path: &Path) -> Result<Self, String> {
        Ok(Self { path: path.to_owned(), secret: read_secret(path)? })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the secret.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }
}

/// Returns the content of a file. If the content is UTF-8, removes the byte order mark at its beginning and the line ends at
/// its end, which editors add. The error is a message without the path.
fn read_secret(path: &Path) -> Result<Secret, String> {
    let bytes = read_first(path, MAX_BYTES + 1)?;
    if bytes.len() > MAX_BYTES {
        return Err(format!("must be a file of at most {MAX_BYTES} bytes"));
    }
    let mut bytes = Zeroizing::new(plain(&bytes)?.to_vec());
    // The last byte of random bytes may be a line feed, which belongs to the secret. At the end of a text it does not.
    if let Ok(text) = std::str::from_utf8(&bytes) {
        let length = text.trim_end_matches(['\r', '\n']).len();
        bytes.truncate(length);
    }
    Ok(Secret::new(bytes))
}

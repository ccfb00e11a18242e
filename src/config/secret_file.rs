//! Files that contain a secret.

use std::{io::Read as _, path::Path};

use zeroize::Zeroizing;

use super::text_file::{open, plain};
use crate::domain::secret::{LEAST_ROOT_BYTES, Secret};

/// The maximum size of a secret file, in bytes. No key needs more. The limit is for a path such as `/dev/zero`, which has no
/// end.
const MAX_BYTES: u64 = 4096;

/// Reads a new root secret from a file, and checks it.
///
/// # Errors
/// A message without the path: the file can't be read or has more than 4096 bytes, or the secret has fewer than 32 bytes or is
/// easy to guess.
pub fn read_root_secret(path: &Path) -> Result<Secret, String> {
    let secret = read(path)?;
    secret.check(LEAST_ROOT_BYTES)?;
    Ok(secret)
}

/// Returns the content of a file. If it is UTF-8 text, without the byte order mark and the line ends that an editor adds. The
/// error is a message without the path: the file can't be read, is UTF-16, or has more than [`MAX_BYTES`] bytes.
pub(super) fn read(path: &Path) -> Result<Secret, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("can't be read: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
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

//! Files that contain a secret.

use std::{fs::File, io::Read as _, path::Path};

use zeroize::Zeroizing;

use crate::domain::secret::{LEAST_ROOT_BYTES, Secret};

/// More bytes than any key needs. The limit keeps `/dev/zero` from being read to its end.
const MAX_BYTES: u64 = 4096;

/// Reads a new root secret from a file.
///
/// # Errors
/// A sentence: the file can't be read, or its content is too short or could be guessed.
pub fn read_root_secret(path: &Path) -> Result<Secret, String> {
    let secret = read(path)?;
    secret.check(LEAST_ROOT_BYTES)?;
    Ok(secret)
}

/// Returns the content of a file. The line end that an editor leaves behind a text is not part of it.
pub(super) fn read(path: &Path) -> Result<Secret, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("can't be read: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("must be a file of at most {MAX_BYTES} bytes"));
    }
    // Random bytes may end in a line feed that belongs to them; a text may not.
    if let Ok(text) = std::str::from_utf8(&bytes) {
        let length = text.trim_end_matches(['\r', '\n']).len();
        bytes.truncate(length);
    }
    Ok(Secret::new(bytes))
}

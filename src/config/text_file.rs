//! Files of text, as editors and shells of all systems write them.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::AsFd as _,
    path::Path,
};

/// The maximum size of a file of settings or of certificates, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// The byte order mark of UTF-8. Some editors write it at the beginning of a file.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Opens a file for reading. `/dev/stdin`, by any of its names, is the standard input that this process has: to open it again
/// would need the rights of the user who made it, which `runuser` takes away, and a socket can't be opened at all.
///
/// # Errors
/// The error of the system, if the file can't be opened.
pub fn open(path: &Path) -> io::Result<File> {
    match path.to_str() {
        Some("/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") => {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        }
        _ => File::open(path),
    }
}

/// Returns the text of a file, without a byte order mark.
///
/// # Errors
/// The end of a sentence about the file: it can't be read, has more than 4 MiB, is UTF-16, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, String> {
    let bytes = read(path)?;
    let text = String::from_utf8(plain(&bytes)?.to_vec());
    text.map_err(|_| "can't be read: it is not UTF-8; save it as UTF-8".to_owned())
}

/// Returns the bytes of a file, without the byte order mark.
///
/// # Errors
/// The end of a sentence about the file: it can't be read, has more than 4 MiB, or is UTF-16.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = read(path)?;
    Ok(bytes.strip_prefix(MARK).unwrap_or(plain(&bytes)?).to_vec())
}

/// Returns the bytes of a file. The error is the end of a sentence about the file.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("can't be read: {error}"))?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(format!("can't be read: it has more than {} MiB", MAX_BYTES >> 20)),
        false => Ok(bytes),
    }
}

/// Returns the bytes of a file, without the byte order mark if they are UTF-8. Random bytes are returned as they are.
///
/// # Errors
/// The end of a sentence about the file, if it is UTF-16, which `>` of Windows PowerShell writes: its bytes would be another
/// secret.
pub fn plain(bytes: &[u8]) -> Result<&[u8], String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    // In most texts most characters have a zero byte. Random bytes do not.
    let has_mark = matches!(pairs.first(), Some([0xFF, 0xFE] | [0xFE, 0xFF]));
    let zeros = |of: usize| pairs.iter().skip(1).filter(|pair| pair[of] == 0).count();
    let wide = zeros(0).max(zeros(1));
    let is_wide = wide == pairs.len() - usize::from(!pairs.is_empty()) || (has_mark && wide * 2 > pairs.len());
    if pairs.len() > 1 && rest.is_empty() && is_wide {
        return Err("is UTF-16; save it as UTF-8".to_owned());
    }
    let is_text = std::str::from_utf8(bytes).is_ok();
    Ok(bytes.strip_prefix(MARK).filter(|_| is_text).unwrap_or(bytes))
}

//! Files of text, as editors and shells of all systems write them.

use std::path::Path;

use zeroize::Zeroizing;

use super::read_first;

/// The maximum size of a file of settings or of certificates, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// The byte order mark of UTF-8. Some editors write it at the beginning of a file.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Returns the text of a file, without a byte order mark.
///
/// # Errors
/// The end of a sentence about the file: it can't be read, has more than 4 MiB, is UTF-16, is not UTF-8, or has two byte order
/// marks.
pub fn read_text(path: &Path) -> Result<String, String> {
    let bytes = read(path)?;
    let text = String::from_utf8(plain(&bytes)?.to_vec());
    let text = text.map_err(|_| "can't be read: it is not UTF-8; save it as UTF-8".to_owned())?;
    // Each parser of TOML skips one mark. Here the first was already removed, so a second would be skipped too. Rocket reads
    // the same file with both marks: it would refuse the file and quote it.
    match text.as_bytes().starts_with(MARK) {
        true => Err("begins with two byte order marks; save it as UTF-8 without a byte order mark".to_owned()),
        false => Ok(text),
    }
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
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let bytes = read_first(path, MAX_BYTES + 1)?;
    match bytes.len() > MAX_BYTES {
        true => Err(format!("can't be read: it has more than {} MiB", MAX_BYTES >> 20)),
        false => Ok(bytes),
    }
}

/// Returns the bytes of a file, without the byte order mark if they are UTF-8. Random bytes are returned as they are.
///
/// # Errors
/// The end of a sentence about the file, if it is UTF-16. The operator `>` of Windows PowerShell writes UTF-16. Read as a
/// secret, these bytes would differ from those of the same text in UTF-8.
pub fn plain(bytes: &[u8]) -> Result<&[u8], String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    // In most UTF-16 texts, most characters have a zero byte, always at the same place in the pair. Random bytes do not. With a
    // byte order mark, more than half of the pairs must have it; without a mark, all pairs after the first.
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

//! The parts of an input.

use std::borrow::Cow;

/// Splits an input after its first line. Without a line feed, all of the input is the line.
pub fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

/// Returns an input as text. Bytes that are not UTF-8 are replaced, so that no input is wasted.
pub fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// Splits an input after its first line. Both parts are text.
pub fn text_line(data: &[u8]) -> (Cow<'_, str>, &[u8]) {
    let (line, rest) = line(data);
    (text(line), rest)
}

//! Text without control characters, which is safe to print on a terminal.

/// Returns the text with replaced control characters. Some printed texts come from untrusted sources, such as a user agent or
/// the label of a key file.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

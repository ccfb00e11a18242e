//! Text without control characters, which is safe to print on a terminal.

/// Returns the text with each control character replaced by U+FFFD. Some printed texts come from untrusted sources, such as the
/// user agent of a session, and could otherwise control the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

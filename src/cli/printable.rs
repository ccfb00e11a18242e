//! Text that does not steer a terminal.

/// Replaces control characters: some of what is printed, such as a user agent or the label of a key file, was written by
/// strangers.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

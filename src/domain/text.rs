//! What is common to every piece of text that a person types.

use unicode_normalization::UnicodeNormalization;

/// NFC, with the white space at both ends removed.
///
/// # Errors
/// A sentence for the person when the text holds a control character (NUL, line breaks, …).
pub fn normalise(text: &str) -> Result<String, &'static str> {
    let text: String = text.trim().nfc().collect();
    refuse_control_characters(&text)?;
    Ok(text)
}

/// NFC and nothing else: white space in a password is part of it.
///
/// # Errors
/// As [`normalise`].
pub fn normalise_untrimmed(text: &str) -> Result<String, &'static str> {
    let text: String = text.nfc().collect();
    refuse_control_characters(&text)?;
    Ok(text)
}

fn refuse_control_characters(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    Ok(())
}

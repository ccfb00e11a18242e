//! Normalisation and checks of text that a user types.

use unicode_normalization::UnicodeNormalization;

/// Converts a text to NFC and trims white space at both ends.
///
/// # Errors
/// A message for the user if the text contains a control character (NUL, line break, …).
pub fn normalise(text: &str) -> Result<String, &'static str> {
    let text: String = text.trim().nfc().collect();
    refuse_control_characters(&text)?;
    Ok(text)
}

/// Converts a text to NFC and does not trim it. This is for passwords, of which white space is a part.
///
/// # Errors
/// As [`normalise`].
pub fn normalise_untrimmed(text: &str) -> Result<String, &'static str> {
    let text: String = text.nfc().collect();
    refuse_control_characters(&text)?;
    Ok(text)
}

/// Checks that a text has no invisible characters and no characters that change the text direction. With such
/// characters one name could imitate another.
///
/// # Errors
/// A message for the user if the text contains such a character.
pub fn refuse_invisible(text: &str) -> Result<(), &'static str> {
    let invisible = |c: char| {
        matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    if text.chars().any(invisible) { Err("must not contain invisible characters") } else { Ok(()) }
}

/// Checks that a text has no control character. The message is for the user.
fn refuse_control_characters(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    Ok(())
}

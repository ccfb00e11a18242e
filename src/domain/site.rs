//! What the operator says of the site on its pages: its name, and the contact for questions about privacy.

use super::{address::Authority, words::text};

text! {
    /// The name of the site: one line of 1 to 60 characters, none of which changes the direction of the text. The host of the
    /// server, which is the default, may be longer.
    pub SiteName, |text| {
        ((1..=60).contains(&text.chars().count()) && !text.contains(is_unfit)).then(|| text.to_owned())
    }
}

text! {
    /// The contact for questions about privacy: one line of 1 to 200 characters.
    pub PrivacyContact, |text| {
        ((1..=200).contains(&text.chars().count()) && !text.contains(char::is_control)).then(|| text.to_owned())
    }
}

impl SiteName {
    /// Returns the name of a site that has no other name than its host.
    pub fn of_host(host: &Authority) -> Self {
        Self(host.to_string())
    }
}

/// Returns whether a character is a control character, separates lines or paragraphs, or changes the direction of the text.
fn is_unfit(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

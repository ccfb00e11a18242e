//! The name of a device in a list of sessions.
//!
//! Invariant: a [`DeviceName`] is a single line of 1 to 100 characters. No character in it changes the order in which
//! the name is displayed.

use std::fmt;

use serde::Serialize;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::user_agent::describe;

/// The name of a device, sent by the client or derived from its user agent.
///
/// ```
/// use vestibule::DeviceName;
///
/// let name = DeviceName::parse(" Report job ").expect("a valid name");
/// assert_eq!(name.as_str(), "Report job");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DeviceName(String);

/// A reason for which a text is not a device name. The messages may be returned to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DeviceNameError {
    /// The text is empty or only white space.
    #[error("the device name must not be empty")]
    Empty,
    /// The text has more than 100 characters.
    #[error("the device name may be at most {max} characters long", max = DeviceName::MAX_CHARS)]
    TooLong,
    /// The text has a control character, such as a line break, NUL, or a character that changes the text direction or has no
    /// width.
    #[error("the device name must not contain control characters")]
    Control,
}

impl DeviceName {
    /// The greatest number of characters.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name of 1 to 100 characters. White space at both ends is removed, and the characters are counted in NFC.
    ///
    /// # Errors
    /// [`DeviceNameError`], with a variant for each condition.
    pub fn parse(text: &str) -> Result<Self, DeviceNameError> {
        // The text is normalised lazily and at most 101 characters are read, so that a client cannot make the server
        // normalise a megabyte.
        let name: String = text.trim().nfc().take(Self::MAX_CHARS + 1).collect();
        if name.is_empty() {
            Err(DeviceNameError::Empty)
        } else if name.chars().any(is_control) {
            Err(DeviceNameError::Control)
        } else if name.chars().count() > Self::MAX_CHARS {
            Err(DeviceNameError::TooLong)
        } else {
            Ok(Self(name))
        }
    }

    /// Returns a name such as "Chrome 156 on Linux" or "curl 8", or `None` if the header names no known client.
    #[must_use]
    pub fn from_user_agent(user_agent: &str) -> Option<Self> {
        describe(user_agent).and_then(|name| Self::parse(&name).ok())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether a character must not be in a name. These are the control characters of Unicode, and the characters
/// that break a line, change the text direction or have no width, with which one name could imitate another. Joiners are
/// allowed, because scripts and emoji need them.
fn is_control(c: char) -> bool {
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let hides = matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    c.is_control() || breaks || turns || hides
}

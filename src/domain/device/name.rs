//! What a device is called in a list of sessions.
//!
//! Invariant: a [`DeviceName`] is 1 to 100 characters of one line that reads in the order it is stored.

use std::fmt;

use serde::Serialize;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::user_agent::describe;

/// A device's name, given by the client or made from its user agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DeviceName(String);

/// Why a text isn't a device's name. Each text is fit to be shown to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DeviceNameError {
    /// Nothing but white space.
    #[error("the device name must not be empty")]
    Empty,
    /// More than 100 characters.
    #[error("the device name may be at most {max} characters long", max = DeviceName::MAX_CHARS)]
    TooLong,
    /// A line break, a NUL, a change of direction.
    #[error("the device name must not contain control characters")]
    Control,
}

impl DeviceName {
    /// The most characters that it may have.
    pub const MAX_CHARS: usize = 100;

    /// Takes 1 to 100 characters, counted in NFC and without the white space around them.
    ///
    /// # Errors
    /// [`DeviceNameError`].
    pub fn parse(text: &str) -> Result<Self, DeviceNameError> {
        // Trimmed and counted lazily first: nobody makes us normalise a megabyte.
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

    /// "Chrome 156 on Linux", "curl 8"; `None` if the user agent is none that we can name.
    #[must_use]
    pub fn from_user_agent(user_agent: &str) -> Option<Self> {
        describe(user_agent).and_then(|name| Self::parse(&name).ok())
    }

    /// The name.
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

/// Also what Unicode doesn't call a control but what breaks a line or turns the rest of one around, so that a name can't
/// dress up as its neighbour. Joiners stay: scripts and emoji need them.
fn is_control(c: char) -> bool {
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || breaks || turns
}

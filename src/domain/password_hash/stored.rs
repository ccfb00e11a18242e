//! The stored hash of a password.

use std::fmt;

/// The stored hash of a password: a text that
/// [`ParsedHash::parse_stored`](super::ParsedHash::parse_stored) reads, if it is not damaged.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a text from the hasher or the database.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the text that other systems read. This server stores Django's `bcrypt_sha256$` with a `$` before it, which is
    /// removed.
    pub fn exported(&self) -> &str {
        self.0.strip_prefix('$').filter(|text| text.starts_with("bcrypt_sha256$")).unwrap_or(&self.0)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

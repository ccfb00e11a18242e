//! The stored hash of a password.

use std::fmt;

/// The stored hash of a password, as text in one of the formats that [`ParsedHash::parse`] reads.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a text from the hasher, the database or an import.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the text for another system: in the form of Django, if only Django has the method.
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

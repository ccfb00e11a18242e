//! The schemes of password hashes that the configuration names.

use std::collections::HashSet;

use crate::domain::words::words;

words! {
    /// A family of password hashes, as the setting `password_schemes` lists it.
    pub PasswordScheme {
        /// argon2id; stored hashes may also be argon2i or argon2d.
        Argon2id = "argon2id",
        /// bcrypt, with or without a hash of the password before it.
        Bcrypt = "bcrypt",
        /// PBKDF2 with HMAC-SHA-256; stored hashes may also have HMAC-SHA-512.
        Pbkdf2 = "pbkdf2_sha256",
        /// scrypt.
        Scrypt = "scrypt",
    }
}

/// The accepted schemes, at least one. The first one is that of new hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordSchemes(Vec<PasswordScheme>);

impl PasswordSchemes {
    /// Returns the accepted schemes. `None` if the list is empty, or if a scheme appears twice.
    pub fn new(schemes: Vec<PasswordScheme>) -> Option<Self> {
        let distinct: HashSet<PasswordScheme> = schemes.iter().copied().collect();
        (!schemes.is_empty() && distinct.len() == schemes.len()).then_some(Self(schemes))
    }

    /// Returns whether a scheme is accepted.
    pub fn accepts(&self, scheme: PasswordScheme) -> bool {
        self.0.contains(&scheme)
    }

    /// Returns the accepted schemes, in the order of the setting.
    pub fn as_slice(&self) -> &[PasswordScheme] {
        &self.0
    }

    /// Returns the scheme of new hashes.
    pub fn first(&self) -> PasswordScheme {
        self.0[0]
    }
}

//! The schemes of password hashes that the configuration names.

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
pub struct PasswordSchemes(pub Vec<PasswordScheme>);

impl PasswordSchemes {
    /// Returns the accepted schemes. `None` if the list is empty, or if a scheme appears twice.
    pub fn new(schemes: Vec<PasswordScheme>) -> Option<Self> {
        let is_once = |at: usize| !schemes[..at].contains(&schemes[at]);
        let are_valid = !schemes.is_empty() && (0..schemes.len()).all(is_once);
        are_valid.then_some(Self(schemes))
    }

    /// Returns the scheme of new hashes.
    pub fn first(&self) -> PasswordScheme {
        self.0[0]
    }
}

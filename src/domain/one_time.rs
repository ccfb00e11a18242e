//! The secrets of links that work once, and what each link is for.
//!
//! Invariant: the secret and its hash are different types. The database contains the hash alone, so nobody who reads it can use
//! a link.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    jwt::{base64url, from_base64url},
    words::words,
};

words! {
    /// What a link is for.
    pub LinkPurpose {
        /// To make the first admin.
        Setup = "setup",
        /// To choose the first password of an account.
        Invite = "invite",
        /// To choose a new password of an account.
        Reset = "reset",
    }
}

impl LinkPurpose {
    /// Returns the number of seconds for which a link works: an hour, or three days for an invitation.
    pub const fn lifetime(self) -> i64 {
        match self {
            Self::Setup | Self::Reset => 60 * 60,
            Self::Invite => 3 * 24 * 60 * 60,
        }
    }
}

/// The secret of a link: base64url of 32 random bytes, 43 characters.
#[derive(Clone)]
pub struct LinkSecret(Zeroizing<String>);

/// The SHA-256 of a link's secret. The secret can't be guessed, so no slow hash is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkHash([u8; 32]);

impl LinkSecret {
    /// Returns the secret that consists of 32 bytes. The caller passes new random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(base64url(&bytes)))
    }

    /// Reads a secret. Returns `None` for a text that is not the base64url of 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = from_base64url(text).filter(|bytes| bytes.len() == 32)?;
        Some(Self(Zeroizing::new(base64url(&bytes))))
    }

    /// Returns the secret in clear text, for the link.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the hash of the secret, for the database.
    pub fn hash(&self) -> LinkHash {
        LinkHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl LinkHash {
    /// Returns the bytes that the database stores.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret")
    }
}

impl fmt::Debug for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkHash")
    }
}

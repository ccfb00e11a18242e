//! A user, and the names that one can be called by.

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use super::{Permission, UnixTime, UserId, unicode};

/// A user name: 1 to 64 characters, no `@`, unique without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    shown: String,
    key: String,
}

impl Username {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Reads a name as typed.
    ///
    /// # Errors
    /// A sentence that says what a name must be.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        let shown = unicode::normalise(input)?;
        if shown.is_empty() || shown.chars().count() > Self::MAX_CHARS {
            return Err("must have 1 to 64 characters");
        }
        unicode::refuse_invisible(&shown)?;
        if shown.contains(['@', '\u{ff20}', '\u{fe6b}']) {
            return Err("must not contain @");
        }
        let key = fold(&shown);
        Ok(Self { shown, key })
    }

    /// As the person wrote it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// What makes it unique.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// An email address: something before and after one `@`, at most 254 bytes (RFC 5321 §4.5.3.1.3), unique without regard
/// to case. Whether mail arrives there, only a mail can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    shown: String,
    key: String,
}

impl Email {
    /// Longest address, in bytes.
    pub const MAX_BYTES: usize = 254;

    /// Reads an address as typed.
    ///
    /// # Errors
    /// A sentence that says what an address must be.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        let shown = unicode::normalise(input)?;
        if shown.len() > Self::MAX_BYTES {
            return Err("must have at most 254 bytes");
        }
        unicode::refuse_invisible(&shown)?;
        let wrong = "must be an email address, such as ada@example.com";
        let (local, domain) = shown.rsplit_once('@').ok_or(wrong)?;
        let ambiguous =
            |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\' | '@');
        let domain_is_one = !domain.is_empty()
            && !domain.contains(ambiguous)
            && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        if local.is_empty() || local.len() > 64 || local.contains(ambiguous) || !domain_is_one {
            return Err(wrong);
        }
        let key = fold(&shown);
        Ok(Self { shown, key })
    }

    /// As the person wrote it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// What makes it unique.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// What a person typed to say who they are: one with an `@` is an email.
#[derive(Clone, Debug)]
pub enum Identifier {
    /// No `@` in it.
    Username(Username),
    /// With an `@`.
    Email(Email),
}

impl Identifier {
    /// Reads either.
    ///
    /// # Errors
    /// Those of [`Username::parse`] or [`Email::parse`].
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        if input.contains('@') {
            Email::parse(input).map(Self::Email)
        } else {
            Username::parse(input).map(Self::Username)
        }
    }

    /// The folded text.
    pub fn key(&self) -> &str {
        match self {
            Self::Username(name) => name.key(),
            Self::Email(email) => email.key(),
        }
    }
}

/// Case folding by lower-casing twice around an upper-casing, so that `ß`/`SS`, `ſ`/`s` and final sigma meet; and letters of another
/// width or style are their plain ones (NFKC), because applications that are told a name take them for the same.
fn fold(text: &str) -> String {
    let plain: String = text.nfkc().collect();
    plain.to_lowercase().to_uppercase().to_lowercase()
}

/// A user as stored.
#[derive(Clone, Debug)]
pub struct User {
    /// The `sub` of their tokens.
    pub id: UserId,
    /// As they wrote it.
    pub username: Option<String>,
    /// As they wrote it.
    pub email: Option<String>,
    /// When the address was shown to be theirs.
    pub email_verified_at: Option<UnixTime>,
    /// Since when they may not sign in.
    pub disabled_at: Option<UnixTime>,
    /// Raised when something that older access tokens say is no longer true.
    pub authorization_version: i64,
    /// Custom claims of their access tokens.
    pub claims: Map<String, Value>,
    /// Names of roles, sorted.
    pub roles: Vec<String>,
    /// Permissions granted directly, sorted.
    pub direct_permissions: Vec<Permission>,
    /// Permissions granted directly or by a role, sorted: what a token says.
    pub permissions: Vec<Permission>,
    /// When the account was made.
    pub created_at: UnixTime,
}

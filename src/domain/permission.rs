//! Permissions and roles. A permission is a scope token, so that a token's `scope` can list it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A permission: an RFC 6749 §3.3 scope token of at most 64 bytes that OpenID Connect has not taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permission(String);

const RESERVED: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// What the server itself asks for; the role `admin` has these and every permission that a role names.
pub const BUILT_IN: [&str; 8] = [
    "audit:read",
    "roles:read",
    "roles:write",
    "sessions:read",
    "sessions:revoke",
    "tokens:introspect",
    "users:read",
    "users:write",
];

/// The role that has every permission and can't be removed.
pub const ADMIN_ROLE: &str = "admin";

impl Permission {
    /// Reads a permission.
    ///
    /// # Errors
    /// A sentence that says what a permission must be.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        check_scope_token(input)?;
        if RESERVED.contains(&input) {
            return Err("is reserved by OpenID Connect");
        }
        Ok(Self(input.to_owned()))
    }

    /// The scope token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A role's name: the same characters as a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName(String);

impl RoleName {
    /// Reads a role's name.
    ///
    /// # Errors
    /// A sentence that says what a role's name must be.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        check_scope_token(input)?;
        if input.contains(',') {
            // Remote-Groups separates roles by commas.
            return Err("must not contain a comma");
        }
        Ok(Self(input.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_scope_token(input: &str) -> Result<(), &'static str> {
    // scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    if input.is_empty() || input.len() > 64 || !input.bytes().all(allowed) {
        return Err("must be 1 to 64 visible ASCII characters without quotes or backslashes");
    }
    Ok(())
}

//! Permissions and the names of roles. A permission is an OAuth scope token, so that the claim `scope` can contain it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A permission: a scope token (RFC 6749 §3.3) of at most 64 bytes that OpenID Connect does not reserve
/// (`openid`, `profile`, `email`, `address`, `phone`, `offline_access`).
///
/// ```
/// use vestibule::Permission;
///
/// let permission = Permission::parse("delete:posts").expect("a valid permission");
/// assert_eq!(permission.as_str(), "delete:posts");
/// assert!(Permission::parse("two words").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permission(String);

/// The scope names that OpenID Connect defines. A permission must not have such a name.
const RESERVED: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// The permissions that the server itself defines. The role `admin` has these permissions and the permissions of all
/// other roles.
pub const BUILT_IN: [&str; 13] = [
    "audit:read", "clients:read", "clients:write", "keys:read", "keys:write", "roles:read", "roles:write",
    "sessions:read", "sessions:revoke", "tokens:introspect", "users:read", "users:vouch", "users:write",
];

/// The permissions that only an admin gives to somebody.
pub const GIVEN_BY_ADMINS: [&str; 4] = ["audit:read", "clients:write", "keys:write", VOUCH];

/// The permission to change what applications trust about somebody else: the name, the address, its verification, and the
/// custom claims.
pub const VOUCH: &str = "users:vouch";

/// The permission to read the accounts of all users.
pub const USERS_READ: &str = "users:read";

/// The permission to create, change and delete users, and to create links for them.
pub const USERS_WRITE: &str = "users:write";

/// The permission that the user of an access token needs to introspect tokens (RFC 7662).
pub const INTROSPECT: &str = "tokens:introspect";

/// The name of the role that has every permission. The role cannot be removed.
pub const ADMIN_ROLE: &str = "admin";

impl Permission {
    /// Reads a permission, exactly as written.
    ///
    /// # Errors
    /// A message if the text is not a scope token of 1 to 64 bytes, or if OpenID Connect reserves the name.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        check_scope_token(input)?;
        if is_reserved(input) {
            return Err("is reserved by OpenID Connect");
        }
        Ok(Self(input.to_owned()))
    }

    /// Returns the scope token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether OpenID Connect defines a scope with this name (OpenID Connect Core §5.4, §11).
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The name of a role: a scope token (RFC 6749 §3.3) of at most 64 bytes without a comma.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleName(String);

impl RoleName {
    /// Returns the name of the role that has every permission.
    pub fn admin() -> Self {
        Self(ADMIN_ROLE.to_owned())
    }

    /// Reads the name of a role, exactly as written.
    ///
    /// # Errors
    /// A message if the text is not a scope token of 1 to 64 bytes, or if it contains a comma.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        check_scope_token(input)?;
        if input.contains(',') {
            // The header `Remote-Groups` of forward authentication separates roles by commas.
            return Err("must not contain a comma");
        }
        Ok(Self(input.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a text is a valid permission. It is `const`, so that an application's permissions are checked at
/// compile time.
pub const fn is_permission(name: &str) -> bool {
    let mut at = 0;
    while at < RESERVED.len() {
        if is_same(RESERVED[at].as_bytes(), name.as_bytes()) {
            return false;
        }
        at += 1;
    }
    is_scope_token(name.as_bytes())
}

/// Returns whether two texts are equal. The operator `==` is not available in a `const fn`.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Returns whether a text is a scope token (RFC 6749 §3.3) of 1 to 64 bytes.
const fn is_scope_token(name: &[u8]) -> bool {
    let mut at = 0;
    // scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    while at < name.len() && matches!(name[at], 0x21 | 0x23..=0x5B | 0x5D..=0x7E) {
        at += 1;
    }
    at == name.len() && at > 0 && at <= 64
}

/// Checks that a text is a scope token of 1 to 64 bytes.
fn check_scope_token(input: &str) -> Result<(), &'static str> {
    if !is_scope_token(input.as_bytes()) {
        return Err("must be 1 to 64 visible ASCII characters without quotes or backslashes");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compile_time_check_and_the_parser_accept_the_same_names() {
        let longest = "x".repeat(64);
        let longer = "x".repeat(65);
        for name in
            ["a", "delete:posts", "profiles", "open", "a,b", &longest, &longer, "", "a b", "openid", "a\"", "\u{e9}"]
        {
            assert_eq!(is_permission(name), Permission::parse(name).is_ok(), "{name:?}");
        }
    }
}

//! Custom claims of a user, and the room that a token has for them.

use serde_json::{Map, Value};

use super::{AccessClaims, Permission, scope};

/// Names that a custom claim can't take: the claims of our own tokens, the registered ones (RFC 7519 §4.1), and those
/// that other standards give a meaning.
const RESERVED: [&str; 24] = [
    "iss",
    "aud",
    "sub",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "sid",
    "av",
    "type",
    "fresh",
    "auth_time",
    "username",
    "email",
    "roles",
    "permissions",
    "scope",
    "cnf",
    "amr",
    "acr",
    "azp",
    "act",
    "nonce",
];

/// A token has fewer bytes than this, so that it fits into a cookie with its name and attributes (RFC 6265 §6.1).
pub const MAX_TOKEN_BYTES: usize = 4_000;

/// The header of a token and the two dots: `typ`, the longest `alg`, a `kid` of 64 characters, in base64url.
const HEADER_BYTES: usize = 138;

/// The longest signature, RSA with 4096 bits, in base64url. Another algorithm may sign tomorrow.
const SIGNATURE_BYTES: usize = 683;

/// What that leaves for the claims, before base64url makes four bytes of three.
const MAX_CLAIMS_BYTES: usize = (MAX_TOKEN_BYTES - 1 - HEADER_BYTES - SIGNATURE_BYTES) * 3 / 4;

/// Checks the custom claims of a user.
///
/// # Errors
/// A sentence that names the claim that can't be.
pub fn check_custom(claims: &Map<String, Value>) -> Result<(), String> {
    match claims.keys().find(|name| RESERVED.contains(&name.as_str()) || name.is_empty()) {
        Some(name) => Err(format!("{name:?} is reserved and can't be a custom claim")),
        None => Ok(()),
    }
}

/// How much a token of this server has room for, beside what every token says.
#[derive(Clone, Debug)]
pub struct TokenSizeBudget {
    /// A token that says nothing of the user but the longest names that there can be.
    empty: AccessClaims,
}

impl TokenSizeBudget {
    /// `empty` has everything in it that does not depend on the user, at its longest.
    pub fn around(empty: AccessClaims) -> Self {
        Self { empty }
    }

    /// Checks that what is said about one user fits into a token. `permissions` are all that they have, by roles too.
    ///
    /// # Errors
    /// A sentence with the size and the limit, both in bytes.
    pub fn check(
        &self,
        claims: &Map<String, Value>,
        roles: &[String],
        permissions: &[Permission],
    ) -> Result<(), String> {
        let mut full = self.empty.clone();
        full.custom = claims.clone().into_iter().collect();
        full.roles = roles.to_vec();
        full.permissions = permissions.to_vec();
        full.scope = scope::text(permissions);
        let (empty, full) = (bytes(&self.empty), bytes(&full));
        if full > MAX_CLAIMS_BYTES {
            let (size, limit) = (full - empty, MAX_CLAIMS_BYTES.saturating_sub(empty));
            return Err(format!("claims, roles and permissions take {size} bytes of a token, {limit} are the limit"));
        }
        Ok(())
    }
}

fn bytes(claims: &AccessClaims) -> usize {
    serde_json::to_vec(claims).expect("claims are texts, numbers and lists of them").len()
}

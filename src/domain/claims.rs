//! Custom claims of a user, and the room that a token has for them.

use serde_json::{Map, Value};

use super::Permission;

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

/// Bytes of JSON for claims, roles and permissions together, so that a token stays under 4,000 bytes.
pub const MAX_BYTES: usize = 1_800;

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

/// Checks that what is said about one user fits into a token.
///
/// # Errors
/// A sentence with the size and the limit.
pub fn check_size(claims: &Map<String, Value>, roles: &[String], permissions: &[Permission]) -> Result<(), String> {
    let listed = |names: usize, bytes: usize| bytes + 3 * names + 2;
    let permission_bytes: usize = permissions.iter().map(|permission| permission.as_str().len()).sum();
    let size = Value::Object(claims.clone()).to_string().len()
        + listed(roles.len(), roles.iter().map(String::len).sum())
        // Once in `permissions` and once in `scope`.
        + 2 * listed(permissions.len(), permission_bytes);
    if size > MAX_BYTES {
        return Err(format!("claims, roles and permissions take {size} bytes of a token, {MAX_BYTES} are the limit"));
    }
    Ok(())
}

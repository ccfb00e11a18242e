//! Custom claims of a user, and the limit on the size of a token.

use serde_json::{Map, Value};

use super::{AccessClaims, Permission, scope};

/// The names that a custom claim must not have: the claims of the tokens of this server, the registered claims (RFC
/// 7519 §4.1), and claims that other standards define.
const RESERVED: [&str; 25] = [
    "iss", "aud", "sub", "exp", "nbf", "iat", "jti", "client_id", "sid", "av", "type", "fresh", "auth_time",
    "username", "email", "roles", "permissions", "scope", "cookie_only", "cnf", "amr", "acr", "azp", "act", "nonce",
];

/// Every access token is shorter than this number of bytes. So it fits into a cookie of 4096 bytes, together with the
/// name and the attributes of the cookie (RFC 6265 §6.1).
pub const MAX_TOKEN_BYTES: usize = 4_000;

/// The number of bytes of a token's header in base64url and of the two dots. The header has `typ`, the longest `alg`,
/// and a `kid` of up to 63 characters. A `kid` that is a thumbprint has 43 characters.
const HEADER_BYTES: usize = 138;

/// The number of bytes of the signature of an RSA key with 4096 bits, in base64url. This length is used for every
/// algorithm, because the algorithm can be changed later.
const SIGNATURE_BYTES: usize = 683;

/// The number of bytes that remain for the claims, as JSON before the encoding. Base64url encodes 3 bytes as 4.
const MAX_CLAIMS_BYTES: usize = (MAX_TOKEN_BYTES - 1 - HEADER_BYTES - SIGNATURE_BYTES) * 3 / 4;

/// The greatest depth of lists and objects in a custom claim. Other programs read tokens and exports, and some refuse more.
const MAX_DEPTH: usize = 32;

/// Checks that the custom claims of a user have no reserved or empty name, and are nested at most 32 deep.
///
/// # Errors
/// A message that contains the first name that is reserved or empty, or whose value is too deep.
pub fn check_custom(claims: &Map<String, Value>) -> Result<(), String> {
    if let Some((name, _)) = claims.iter().find(|(_, value)| is_deeper(value, MAX_DEPTH)) {
        return Err(format!("{name:?} is nested more than {MAX_DEPTH} deep"));
    }
    match claims.keys().find(|name| RESERVED.contains(&name.as_str()) || name.is_empty()) {
        Some(name) => Err(format!("{name:?} is reserved and can't be a custom claim")),
        None => Ok(()),
    }
}

/// Returns whether lists and objects in the value are nested more than `depth` deep.
fn is_deeper(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if depth == 0 => true,
        Value::Array(items) => items.iter().any(|item| is_deeper(item, depth - 1)),
        Value::Object(fields) => fields.values().any(|field| is_deeper(field, depth - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The limit on the claims, roles and permissions of a user, so that the user's tokens fit into a cookie.
#[derive(Clone, Debug)]
pub struct TokenSizeBudget {
    /// The claims of the largest token of a user without roles, permissions and custom claims.
    empty: AccessClaims,
}

impl TokenSizeBudget {
    /// Returns a budget. `empty` contains the claims that every token has, each with the longest possible value.
    pub fn new(empty: AccessClaims) -> Self {
        Self { empty }
    }

    /// Checks that a token with the user's claims, roles and permissions is short enough. `permissions` are all
    /// permissions of the user, including the permissions that roles grant.
    ///
    /// # Errors
    /// A message if the token is too long. It contains the size of the claims, roles and permissions and the limit of
    /// this size, both in bytes.
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
            return Err(format!("claims, roles and permissions take {size} bytes of a token; the limit is {limit}"));
        }
        Ok(())
    }
}

/// Returns the number of bytes of the claims as JSON.
fn bytes(claims: &AccessClaims) -> usize {
    serde_json::to_vec(claims).expect("claims are texts, numbers and lists of them").len()
}

//! The public half of a signing key: its `kid`, its JWK and the input of its verifier.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::domain::jwt::{Algorithm, base64url};

/// The public values that are computed from the material of a key.
pub(super) struct Published {
    /// The id of the key.
    pub(super) kid: String,
    /// The input of [`Verifier::new`](crate::domain::jwt::Verifier::new). For a shared secret, the secret itself.
    pub(super) check: Vec<u8>,
    /// The public key as a JWK. `None` for a shared secret.
    pub(super) jwk: Option<Value>,
}

/// Returns the `kid` and the JWK (RFC 7517) of a public key. `required` are the members that the key type requires,
/// sorted by name. The JWK also has `alg`, `use` and `kid`. The `kid` is the thumbprint (RFC 7638 §3).
pub(super) fn jwk(algorithm: Algorithm, required: &[(&str, &str)]) -> (String, Value) {
    debug_assert!(required.is_sorted());
    // JSON escapes no character of base64url or of the names, so the thumbprint's input can be formatted directly.
    let members: Vec<String> = required.iter().map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
    let kid = base64url(&Sha256::digest(format!("{{{}}}", members.join(","))));
    let mut jwk: Map<String, Value> =
        required.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    for (name, value) in [("alg", algorithm.as_str()), ("use", "sig"), ("kid", &kid)] {
        jwk.insert(name.to_owned(), value.into());
    }
    (kid, Value::Object(jwk))
}

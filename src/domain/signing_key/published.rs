//! The public half of a key.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::domain::jwt::{Algorithm, base64url};

/// What is known of a key from its material.
pub(super) struct Published {
    /// Names the key.
    pub(super) kid: String,
    /// What [`Verifier::new`] takes.
    pub(super) check: Vec<u8>,
    /// As a JWK; none for a secret that both sides share.
    pub(super) jwk: Option<Value>,
}

/// A JWK (RFC 7517) over the members that its kind requires, which come in the order of their names: with `alg`, `use`, and
/// as `kid` its thumbprint (RFC 7638 §3).
pub(super) fn jwk(algorithm: Algorithm, required: &[(&str, &str)]) -> (String, Value) {
    debug_assert!(required.is_sorted());
    // Neither base64url nor the names have anything that JSON escapes.
    let members: Vec<String> = required.iter().map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
    let kid = base64url(&Sha256::digest(format!("{{{}}}", members.join(","))));
    let mut jwk: Map<String, Value> =
        required.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    for (name, value) in [("alg", algorithm.as_str()), ("use", "sig"), ("kid", &kid)] {
        jwk.insert(name.to_owned(), value.into());
    }
    (kid, Value::Object(jwk))
}

//! The keys that sign and check access tokens, and what was checked lately.
//!
//! Checking an ES256 signature costs some 80 µs of CPU, a hundred times the rest of a checked request. So the claims of a
//! token whose signature held are remembered, by the whole text of the token; its time and revocation are looked at each
//! time. The memory belongs to one set of keys and goes with it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use quick_cache::sync::Cache;
use serde_json::{Value, json};

use crate::domain::{
    AccessClaims,
    access_token::{self, AccessTokenError},
    signing_key::SigningKey,
};

/// Tokens whose signature is remembered: about 1 KiB each.
const REMEMBERED_TOKENS: usize = 20_000;

/// One set of keys. The first of them signs.
pub struct Keys {
    current: Arc<SigningKey>,
    by_kid: HashMap<String, Arc<SigningKey>>,
    checked: Cache<Box<str>, Arc<AccessClaims>>,
    jwks: Value,
}

impl Keys {
    /// `current` signs; `others` check, and are published beside it.
    pub fn new(current: SigningKey, others: Vec<SigningKey>) -> Self {
        let current = Arc::new(current);
        let all: Vec<_> = std::iter::once(Arc::clone(&current)).chain(others.into_iter().map(Arc::new)).collect();
        let public: Vec<&Value> = all.iter().filter_map(|key| key.jwk.as_ref()).collect();
        let jwks = json!({ "keys": public });
        let by_kid = all.into_iter().map(|key| (key.kid.clone(), key)).collect();
        Self { current, by_kid, checked: Cache::new(REMEMBERED_TOKENS), jwks }
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &AccessClaims) -> String {
        self.current.signer.sign(access_token::TYP, Some(&self.current.kid), claims)
    }

    /// The claims of a token that one of these keys signed. Time, issuer, audience and revocation are the caller's to check.
    ///
    /// # Errors
    /// [`AccessTokenError::Invalid`], [`AccessTokenError::WrongType`].
    pub fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
        if let Some(claims) = self.checked.get(token) {
            return Ok(claims);
        }
        let kid = access_token::claimed_kid(token)?;
        let key = self.by_kid.get(&kid).ok_or(AccessTokenError::Invalid)?;
        let claims: Arc<AccessClaims> =
            key.verifier.verify(token).map(Arc::new).map_err(|_| AccessTokenError::Invalid)?;
        self.checked.insert(token.into(), Arc::clone(&claims));
        Ok(claims)
    }

    /// The public keys as a JWK set (RFC 7517 §5).
    pub fn jwks(&self) -> &Value {
        &self.jwks
    }

    /// The algorithm that signs.
    pub fn algorithm(&self) -> &'static str {
        self.current.algorithm.as_str()
    }
}

/// The set of keys in force, replaced as a whole.
pub struct Keyring(RwLock<Arc<Keys>>);

impl Keyring {
    /// Starts with a set.
    pub fn new(keys: Keys) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    /// The set in force. The lock is held for the copy of a pointer, by readers and the writer alike.
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another set in force.
    pub fn replace(&self, keys: Keys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

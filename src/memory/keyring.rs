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
    AccessClaims, UnixTime,
    access_token::{self, AccessTokenError},
    jwt,
    signing_key::SigningKey,
};

/// Tokens whose signature is remembered: about 1 KiB each.
const REMEMBERED_TOKENS: usize = 20_000;

/// One set of keys.
pub struct KeySet {
    current: Option<Arc<SigningKey>>,
    by_kid: HashMap<String, Arc<SigningKey>>,
    checked: Cache<Box<str>, Arc<AccessClaims>>,
    jwks: Value,
    due: Option<UnixTime>,
}

impl KeySet {
    /// `current` signs, and all check and are published: first those that will sign, last those that did. A server has a
    /// `current` from its start; a command that runs before the first server has none.
    pub fn new(next: Vec<SigningKey>, current: Option<SigningKey>, retiring: Vec<SigningKey>) -> Self {
        let current = current.map(Arc::new);
        let shared = |keys: Vec<SigningKey>| keys.into_iter().map(Arc::new).collect::<Vec<_>>();
        let all = [shared(next), current.iter().cloned().collect(), shared(retiring)].concat();
        let public: Vec<&Value> = all.iter().filter_map(|key| key.jwk.as_ref()).collect();
        let jwks = json!({ "keys": public });
        let by_kid = all.into_iter().map(|key| (key.kid.clone(), key)).collect();
        Self { current, by_kid, checked: Cache::new(REMEMBERED_TOKENS), jwks, due: None }
    }

    /// Says when time makes another set of this one: the next key signs, or a retired one leaves.
    #[must_use]
    pub fn until(mut self, due: Option<UnixTime>) -> Self {
        self.due = due;
        self
    }

    /// Whether time has made another set of this one.
    pub fn is_due(&self, now: UnixTime) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &AccessClaims) -> String {
        let key = self
            .current
            .as_ref()
            .expect("a server sees to it at its start that a key signs, and commands sign nothing");
        key.signer.sign(jwt::ACCESS_TYP, Some(&key.kid), claims)
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
}

/// The set of keys in force, replaced as a whole.
pub struct Keyring(RwLock<Arc<KeySet>>);

impl Keyring {
    /// Starts with a set.
    pub fn new(keys: KeySet) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    /// The set in force. The lock is held for the copy of a pointer, by readers and the writer alike.
    pub fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another set in force.
    pub fn replace(&self, keys: KeySet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

//! The keys that sign and verify access tokens, and a cache of verified tokens.
//!
//! The verification of an ES256 signature takes about 80 µs of CPU time, a hundred times as long as the rest of the
//! check of a request. So the claims of a token with a valid signature are cached under the whole text of the token.
//! Expiry and revocation are checked each time. Each set of keys has its own cache, which is dropped together with the
//! set.

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

/// Number of tokens in the cache. Each takes about 1 KiB.
const REMEMBERED_TOKENS: usize = 20_000;

/// A set of keys.
pub struct KeySet {
    current: Option<Arc<SigningKey>>,
    by_kid: HashMap<String, Arc<SigningKey>>,
    checked: Cache<Box<str>, Arc<AccessClaims>>,
    jwks: Value,
    due: Option<UnixTime>,
}

impl KeySet {
    /// Returns a set of keys. `current` signs. All keys verify and are published, in this order: the keys that will
    /// sign next, the current key, the keys that signed before. A running server always has a `current` key. It is
    /// `None` for a command that runs before the first start of the server.
    pub fn new(next: Vec<SigningKey>, current: Option<SigningKey>, retiring: Vec<SigningKey>) -> Self {
        let current = current.map(Arc::new);
        let shared = |keys: Vec<SigningKey>| keys.into_iter().map(Arc::new).collect::<Vec<_>>();
        let all = [shared(next), current.iter().cloned().collect(), shared(retiring)].concat();
        let public: Vec<&Value> = all.iter().filter_map(|key| key.jwk.as_ref()).collect();
        let jwks = json!({ "keys": public });
        let by_kid = all.into_iter().map(|key| (key.kid.clone(), key)).collect();
        Self { current, by_kid, checked: Cache::new(REMEMBERED_TOKENS), jwks, due: None }
    }

    /// Sets the time from which the set is outdated: the next key must then sign, or a retired key must be removed.
    #[must_use]
    pub fn with_outdated_from(mut self, due: Option<UnixTime>) -> Self {
        self.due = due;
        self
    }

    /// Returns whether the set is outdated at `now` and must be replaced.
    pub fn is_outdated(&self, now: UnixTime) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Signs an access token with the current key.
    pub fn sign(&self, claims: &AccessClaims) -> String {
        let key = self.current.as_ref().expect("a server has a signing key from its start, and commands do not sign");
        key.signer.sign(jwt::ACCESS_TYP, Some(&key.kid), claims)
    }

    /// Verifies the signature of an access token and returns its claims. The caller must check time, issuer, audience
    /// and revocation.
    ///
    /// # Errors
    /// [`AccessTokenError::WrongType`] for a refresh token. [`AccessTokenError::Invalid`] if the text is not an access
    /// token, names an unknown key or has a wrong signature.
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

    /// Returns the public keys as a JWK set (RFC 7517 §5).
    pub fn jwks(&self) -> &Value {
        &self.jwks
    }
}

/// The current set of keys. It is replaced as a whole.
pub struct Keyring(RwLock<Arc<KeySet>>);

impl Keyring {
    /// Returns a keyring with an initial set.
    pub fn new(keys: KeySet) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    /// Returns the current set. Readers and the writer have the lock only while a pointer is copied.
    pub fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the current set.
    pub fn replace(&self, keys: KeySet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

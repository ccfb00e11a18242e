//! The keys that sign and verify access tokens, and a cache of verified tokens.
//!
//! The verification of an ES256 signature takes about 80 µs of CPU time, a hundred times as long as the other checks of
//! a token. So the claims of a token with a valid signature are cached. The key of the cache is the whole text of the
//! token. Expiry and revocation are not cached: the caller checks them for each request. Each set of keys has its own
//! cache, which is dropped together with the set. So a token whose key was removed is not accepted.

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

/// The maximum number of tokens in the cache. Each token takes about 1 KiB.
const REMEMBERED_TOKENS: usize = 20_000;

/// The signing keys of the process at one time, and the cache of the tokens that these keys have verified.
pub struct KeySet {
    /// The key that signs.
    current: Option<Arc<SigningKey>>,
    /// All keys, which verify.
    by_kid: HashMap<String, Arc<SigningKey>>,
    /// The claims of the tokens with a verified signature, by the text of the token.
    verified: Cache<Box<str>, Arc<AccessClaims>>,
    jwks: Value,
    /// The time from which the set is outdated.
    outdated_from: Option<UnixTime>,
    /// The time at which the current key was created.
    created_at: Option<UnixTime>,
}

impl KeySet {
    /// Returns a set of keys. `current` signs. All keys verify. All keys except shared secrets are published, in this
    /// order: `next`, `current`, `retiring`. A running server always has a `current` key. `current` is `None` for a
    /// command that runs before the first start of the server.
    pub fn new(next: Vec<SigningKey>, current: Option<SigningKey>, retiring: Vec<SigningKey>) -> Self {
        let current = current.map(Arc::new);
        let shared = |keys: Vec<SigningKey>| keys.into_iter().map(Arc::new).collect::<Vec<_>>();
        let all = [shared(next), current.iter().cloned().collect(), shared(retiring)].concat();
        let public: Vec<&Value> = all.iter().filter_map(|key| key.jwk.as_ref()).collect();
        let jwks = json!({ "keys": public });
        let by_kid = all.into_iter().map(|key| (key.kid.clone(), key)).collect();
        Self { current, by_kid, verified: Cache::new(REMEMBERED_TOKENS), jwks, outdated_from: None, created_at: None }
    }

    /// Sets the time from which the set is outdated. At this time a next key must begin to sign, or a retiring key must
    /// be removed. `None` if no such time is known.
    #[must_use]
    pub fn with_outdated_from(mut self, due: Option<UnixTime>) -> Self {
        self.outdated_from = due;
        self
    }

    /// Sets the time at which the current key was created; `None` if it is unknown, as for a shared secret.
    #[must_use]
    pub fn with_created_at(mut self, created_at: Option<UnixTime>) -> Self {
        self.created_at = created_at;
        self
    }

    /// Returns the time at which the current key was created; `None` if it is unknown.
    pub fn created_at(&self) -> Option<UnixTime> {
        self.created_at
    }

    /// Returns whether the set is outdated at `now` and must be replaced.
    pub fn is_outdated(&self, now: UnixTime) -> bool {
        self.outdated_from.is_some_and(|due| due <= now)
    }

    /// Signs an access token with the current key and returns the token. Panics if the set has no current key.
    pub fn sign(&self, claims: &AccessClaims) -> String {
        let key = self.current.as_ref().expect("a server has a current key from its start, and commands do not sign");
        key.signer.sign(jwt::ACCESS_TYP, Some(&key.kid), claims)
    }

    /// Returns whether a key signs.
    pub fn can_sign(&self) -> bool {
        self.current.is_some()
    }

    /// Returns whether the set has a key with this `kid`.
    pub fn has(&self, kid: &str) -> bool {
        self.by_kid.contains_key(kid)
    }

    /// Verifies the signature of an access token and returns the claims of the token. The caller must check time,
    /// issuer, audience and revocation.
    ///
    /// # Errors
    /// [`AccessTokenError::WrongType`] for a refresh token. [`AccessTokenError::Invalid`] if the text is not an access
    /// token, names an unknown key or has a wrong signature.
    pub fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, AccessTokenError> {
        if let Some(claims) = self.verified.get(token) {
            return Ok(claims);
        }
        let kid = access_token::claimed_kid(token)?;
        let key = self.by_kid.get(&kid).ok_or(AccessTokenError::Invalid)?;
        let claims: Arc<AccessClaims> =
            key.verifier.verify(token).map(Arc::new).map_err(|_| AccessTokenError::Invalid)?;
        self.verified.insert(token.into(), Arc::clone(&claims));
        Ok(claims)
    }

    /// Returns the public keys as a JWK set (RFC 7517 §5).
    pub fn jwks(&self) -> &Value {
        &self.jwks
    }
}

/// The current set of keys of the process. A change replaces the whole set.
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

//! `/.well-known/jwks.json`: the public keys. Services use them to verify access tokens without a request to this server. Such
//! a service does not see revocations: it accepts a token until the `exp` of the token.
//!
//! This module also names the paths whose responses pages of every origin may read.

use std::sync::Arc;

use rocket::{Request, State, get};

use crate::http::{
    app_state::AppState,
    caching::{Cacheable, Document},
};

/// The path of the key set.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// The path of the OAuth metadata.
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// Returns whether pages of every origin may read the response: the key set or the OAuth metadata.
pub fn is_public(request: &Request<'_>) -> bool {
    [JWKS_PATH, METADATA_PATH].iter().any(|path| request.uri().path() == *path)
}

/// Returns the key set (RFC 7517 §5), which caches may keep for 300 seconds. It is empty if tokens are signed with a shared
/// secret.
#[get("/.well-known/jwks.json")]
pub fn jwks(vestibule: &State<AppState>) -> Cacheable {
    Cacheable::new(Arc::new(Document::new(vestibule.keyring.keys().jwks().to_string())), 300)
}

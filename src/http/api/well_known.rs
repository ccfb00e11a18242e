//! `/.well-known/jwks.json`: the public keys, for services that verify access tokens by themselves. Such a service does not
//! learn of revocations: it accepts a token until its `exp`.

use rocket::{Request, State, get};

use crate::http::{app_state::AppState, caching::Cacheable};

/// The path of the key set.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// The path of the OAuth metadata.
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// Returns whether pages of every origin may read the response.
pub fn is_public(request: &Request<'_>) -> bool {
    [JWKS_PATH, METADATA_PATH].iter().any(|path| request.uri().path() == *path)
}

/// Returns the key set (RFC 7517 §5). It is empty if tokens are signed with a shared secret.
#[get("/.well-known/jwks.json")]
pub fn jwks(vestibule: &State<AppState>) -> Cacheable {
    Cacheable::new(vestibule.keyring.keys().jwks().to_string(), 300)
}

//! `/.well-known/jwks.json`: the public keys, for services that check access tokens by themselves. Such a service never sees
//! a revocation: to it a token lives to its `exp`.

use rocket::{
    Request, State, get,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use sha2::{Digest, Sha256};

use super::Shared;
use crate::domain::jwt::base64url;

/// The path of the key set.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// The path of the OAuth metadata.
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// Whether pages of every origin may read the answer.
pub fn is_public(request: &Request<'_>) -> bool {
    [JWKS_PATH, METADATA_PATH].iter().any(|path| request.uri().path() == *path)
}

/// A JSON document that caches may keep, with its hash as the tag.
pub struct Cacheable {
    body: String,
    max_age: u32,
}

impl Cacheable {
    /// Kept for `max_age` seconds.
    pub fn new(body: String, max_age: u32) -> Self {
        Self { body, max_age }
    }
}

/// Weak comparison, and `*` for whatever there is (RFC 9110 §13.1.2).
pub(super) fn is_known_as(tag: &str) -> impl Fn(&str) -> bool {
    move |known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag
}

impl<'r> Responder<'r, 'static> for Cacheable {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let tag = format!("\"{}\"", base64url(&Sha256::digest(&self.body)[..12]));
        let is_known = request.headers().get("If-None-Match").any(|tags| tags.split(',').any(is_known_as(&tag)));
        let mut response = if is_known {
            response::Response::build().status(Status::NotModified).finalize()
        } else {
            (ContentType::JSON, self.body).respond_to(request)?
        };
        response.set_header(Header::new("ETag", tag));
        response.set_header(Header::new("Cache-Control", format!("public, max-age={}", self.max_age)));
        Ok(response)
    }
}

/// The key set (RFC 7517 §5); empty where tokens are signed with a shared secret.
#[get("/.well-known/jwks.json")]
pub fn jwks(vestibule: &State<Shared>) -> Cacheable {
    Cacheable::new(vestibule.keyring.keys().jwks().to_string(), 300)
}

//! The response with a JSON document that caches may keep, and the comparison of entity tags.

use rocket::{
    Request,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use sha2::{Digest as _, Sha256};

use crate::domain::jwt::base64url;

/// A response with a JSON document that caches may keep. The entity tag is a hash of the document. If `If-None-Match` contains
/// the tag, the response is 304 without the document.
pub struct Cacheable {
    /// The document, as JSON text.
    body: String,
    /// Seconds for which caches may keep the document.
    max_age: u32,
}

impl Cacheable {
    /// Creates the response for `body`, which caches may keep for `max_age` seconds.
    pub fn new(body: String, max_age: u32) -> Self {
        Self { body, max_age }
    }
}

/// Returns a function that checks whether one entry of `If-None-Match` matches `tag`. The comparison is weak: a prefix `W/` of
/// the entry is ignored. The entry `*` matches every tag (RFC 9110 §13.1.2).
pub(super) fn matches_etag(tag: &str) -> impl Fn(&str) -> bool {
    move |known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag
}

impl<'r> Responder<'r, 'static> for Cacheable {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let tag = format!("\"{}\"", base64url(&Sha256::digest(&self.body)[..12]));
        let is_known = request.headers().get("If-None-Match").any(|tags| tags.split(',').any(matches_etag(&tag)));
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

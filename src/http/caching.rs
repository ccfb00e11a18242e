//! The response with a JSON document that caches may keep, and the comparison of entity tags.

use std::{io::Cursor, sync::Arc};

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
    document: Arc<Document>,
    /// Seconds for which caches may keep the document.
    max_age: u32,
}

/// A JSON document with its entity tag. Responses share it.
pub struct Document {
    body: String,
    tag: String,
}

impl Document {
    /// Returns the document with this JSON text.
    pub fn new(body: String) -> Self {
        let tag = format!("\"{}\"", base64url(&Sha256::digest(&body)[..12]));
        Self { body, tag }
    }
}

/// The text of a document, for a response.
struct Text(Arc<Document>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.body.as_bytes()
    }
}

impl Cacheable {
    /// Creates the response for `document`, which caches may keep for `max_age` seconds.
    pub fn new(document: Arc<Document>, max_age: u32) -> Self {
        Self { document, max_age }
    }
}

/// Returns a function that checks whether one entry of `If-None-Match` matches `tag`. The comparison is weak: a prefix `W/` of
/// the entry is ignored. The entry `*` matches every tag (RFC 9110 §13.1.2).
pub(super) fn matches_etag(tag: &str) -> impl Fn(&str) -> bool {
    move |known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag
}

impl<'r> Responder<'r, 'static> for Cacheable {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let tag = self.document.tag.clone();
        let is_known = request.headers().get("If-None-Match").any(|tags| tags.split(',').any(matches_etag(&tag)));
        let mut response = response::Response::build();
        if is_known {
            response.status(Status::NotModified);
        } else {
            let text = Text(self.document);
            response.header(ContentType::JSON).sized_body(text.as_ref().len(), Cursor::new(text));
        }
        let mut response = response.finalize();
        response.set_header(Header::new("ETag", tag));
        response.set_header(Header::new("Cache-Control", format!("public, max-age={}", self.max_age)));
        Ok(response)
    }
}

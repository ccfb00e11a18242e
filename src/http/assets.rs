//! `/static/…`: style, script and icon, embedded. Under `/static/<hash>/` for our own pages, kept for ever, since the hash is
//! over all of them: relative imports between modules stay within one version. Under `/static/` for other front ends.

use std::{collections::BTreeMap, io::Write as _, sync::LazyLock};

use flate2::{Compression, write::GzEncoder};
use rocket::{
    Request, Response, get,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use sha2::{Digest, Sha256};

use super::{
    caching::matches_etag,
    errors::{ApiError, ErrorCode},
};
use crate::domain::jwt::base64url;

/// Name and content of every file of `static/`, and the content without comments.
const FILES: &[(&str, &[u8], &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Seconds for which other front ends may keep a file whose address has no hash.
const MAX_AGE: u32 = 300;

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(FILES));

struct Assets {
    /// Over every name and content, so that an address with it is of one version of all.
    hash: String,
    by_name: BTreeMap<&'static str, Asset>,
}

struct Asset {
    kind: ContentType,
    /// As it was written: for other front ends, whose authors read it.
    whole: Content,
    /// Without comments: for our own pages.
    lean: Content,
}

struct Content {
    plain: &'static [u8],
    gzip: Vec<u8>,
    tag: String,
}

impl Assets {
    fn new(files: &[(&'static str, &'static [u8], &'static [u8])]) -> Self {
        let mut all = Sha256::new();
        for (name, _, lean) in files {
            all.update(Sha256::digest(name));
            all.update(Sha256::digest(lean));
        }
        let by_name = files.iter().map(|(name, whole, lean)| (*name, Asset::new(name, whole, lean))).collect();
        Self { hash: base64url(&all.finalize()[..9]), by_name }
    }
}

impl Asset {
    fn new(name: &str, whole: &'static [u8], lean: &'static [u8]) -> Self {
        let kind = match name.rsplit('.').next() {
            Some("css") => ContentType::CSS,
            Some("svg") => ContentType::SVG,
            _ => ContentType::JavaScript,
        };
        Self { kind, whole: Content::new(whole), lean: Content::new(lean) }
    }
}

impl Content {
    fn new(plain: &'static [u8]) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let written = encoder.write_all(plain).and_then(|()| encoder.finish());
        Self {
            plain,
            gzip: written.expect("a Vec takes all that is written"),
            // Weak: it names the content, which two encodings share (RFC 9110 §8.8.1).
            tag: format!("W/\"{}\"", base64url(&Sha256::digest(plain)[..12])),
        }
    }
}

/// The address of an asset for our own pages; none where there is no such file.
pub fn address(name: &str) -> Option<String> {
    ASSETS.by_name.contains_key(name).then(|| format!("{}/{name}", folder()))
}

/// Where our own pages find all of them.
pub fn folder() -> String {
    format!("/static/{}", ASSETS.hash)
}

/// A file, and how long it may be kept.
pub struct Served {
    kind: ContentType,
    content: &'static Content,
    caching: String,
}

impl<'r> Responder<'r, 'static> for Served {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let Self { kind, content, caching } = self;
        let mut response = Response::build();
        response
            .header(Header::new("ETag", content.tag.clone()))
            .header(Header::new("Cache-Control", caching))
            .header(Header::new("Vary", "Accept-Encoding"));
        let tag = content.tag.trim_start_matches("W/");
        if request.headers().get("If-None-Match").any(|tags| tags.split(',').any(matches_etag(tag))) {
            return response.status(Status::NotModified).ok();
        }
        response.header(kind);
        if takes_gzip(request) {
            response.header(Header::new("Content-Encoding", "gzip"));
            response.sized_body(content.gzip.len(), std::io::Cursor::new(content.gzip.as_slice()));
        } else {
            response.sized_body(content.plain.len(), std::io::Cursor::new(content.plain));
        }
        response.ok()
    }
}

/// Whether `Accept-Encoding` has gzip, and not with the weight 0 (RFC 9110 §12.5.3).
fn takes_gzip(request: &Request<'_>) -> bool {
    let codings = request.headers().get("Accept-Encoding").flat_map(|list| list.split(','));
    codings.map(|coding| coding.split_once(';').unwrap_or((coding, ""))).any(|(coding, weight)| {
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), |weight| weight.trim().parse::<f32>());
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

fn find(name: &str) -> Result<&'static Asset, ApiError> {
    ASSETS.by_name.get(name).ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such asset."))
}

/// For our own pages.
#[get("/static/<hash>/<name>")]
pub fn asset_of_version(hash: &str, name: &str) -> Result<Served, ApiError> {
    let asset = find(name)?;
    if hash != ASSETS.hash {
        return Err(ApiError::new(ErrorCode::NotFound, "This is an asset of another version."));
    }
    let caching = "public, max-age=31536000, immutable".to_owned();
    Ok(Served { kind: asset.kind.clone(), content: &asset.lean, caching })
}

/// For other front ends.
#[get("/static/<name>")]
pub fn asset(name: &str) -> Result<Served, ApiError> {
    let asset = find(name)?;
    Ok(Served { kind: asset.kind.clone(), content: &asset.whole, caching: format!("public, max-age={MAX_AGE}") })
}

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
    errors::{ApiError, Code},
    well_known::is_known_as,
};
use crate::domain::jwt::base64url;

/// Name and content of every file of `static/`.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Seconds for which other front ends may keep a file whose address has no hash.
const MAX_AGE: u32 = 300;

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(FILES));

struct Assets {
    /// Over every name and content, so that an address with it is of one version of all.
    hash: String,
    by_name: BTreeMap<&'static str, Asset>,
}

struct Asset {
    plain: &'static [u8],
    gzip: Vec<u8>,
    tag: String,
    kind: ContentType,
}

impl Assets {
    fn new(files: &[(&'static str, &'static [u8])]) -> Self {
        let mut all = Sha256::new();
        for (name, content) in files {
            all.update(Sha256::digest(name));
            all.update(Sha256::digest(content));
        }
        let by_name = files.iter().map(|(name, content)| (*name, Asset::new(name, content))).collect();
        Self { hash: base64url(&all.finalize()[..9]), by_name }
    }
}

impl Asset {
    fn new(name: &str, plain: &'static [u8]) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let written = encoder.write_all(plain).and_then(|()| encoder.finish());
        let kind = match name.rsplit('.').next() {
            Some("css") => ContentType::CSS,
            Some("svg") => ContentType::SVG,
            _ => ContentType::JavaScript,
        };
        Self {
            plain,
            gzip: written.expect("a Vec takes all that is written"),
            // Weak: it names the content, which two encodings share (RFC 9110 §8.8.1).
            tag: format!("W/\"{}\"", base64url(&Sha256::digest(plain)[..12])),
            kind,
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
    asset: &'static Asset,
    caching: String,
}

impl<'r> Responder<'r, 'static> for Served {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let Self { asset, caching } = self;
        let mut response = Response::build();
        response
            .header(Header::new("ETag", asset.tag.clone()))
            .header(Header::new("Cache-Control", caching))
            .header(Header::new("Vary", "Accept-Encoding"));
        let tag = asset.tag.trim_start_matches("W/");
        if request.headers().get("If-None-Match").any(|tags| tags.split(',').any(is_known_as(tag))) {
            return response.status(Status::NotModified).ok();
        }
        response.header(asset.kind.clone());
        if takes_gzip(request) {
            response.header(Header::new("Content-Encoding", "gzip"));
            response.sized_body(asset.gzip.len(), std::io::Cursor::new(asset.gzip.as_slice()));
        } else {
            response.sized_body(asset.plain.len(), std::io::Cursor::new(asset.plain));
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
    ASSETS.by_name.get(name).ok_or_else(|| ApiError::new(Code::NotFound, "There is no such asset."))
}

/// For our own pages.
#[get("/static/<hash>/<name>")]
pub fn asset_of_version(hash: &str, name: &str) -> Result<Served, ApiError> {
    let asset = find(name)?;
    if hash != ASSETS.hash {
        return Err(ApiError::new(Code::NotFound, "This is an asset of another version."));
    }
    Ok(Served { asset, caching: "public, max-age=31536000, immutable".to_owned() })
}

/// For other front ends.
#[get("/static/<name>")]
pub fn asset(name: &str) -> Result<Served, ApiError> {
    Ok(Served { asset: find(name)?, caching: format!("public, max-age={MAX_AGE}") })
}

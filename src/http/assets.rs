//! `/static/…`: the embedded style sheets, scripts and icons, and the logo of the site.
//!
//! The built-in pages load the files from `/static/<hash>/`. Caches may keep these responses for a year. The hash covers all
//! files, so a module that imports another by a relative path gets the imported module in the same version. Other front ends
//! load the files from `/static/`, where caches keep them for 5 minutes.

use std::{collections::BTreeMap, sync::LazyLock};

use rocket::{
    Request, Response, State, get,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use sha2::{Digest, Sha256};

use super::{
    app_state::AppState,
    caching::matches_etag,
    errors::{ApiError, ErrorCode},
};
use crate::{
    config::{Logo, LogoFormat},
    domain::jwt::base64url,
};

/// The name and the content of every file of `static/`, also compressed by gzip and by Brotli. The scripts are minified.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

type File = (&'static str, &'static [u8], &'static [u8], &'static [u8]);

/// The maximum time, in seconds, for which caches may keep a file whose address has no hash.
const MAX_AGE: u32 = 300;

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(FILES));

struct Assets {
    /// A hash of the name and the content of every file. An address that contains the hash belongs to one version of all files.
    hash: String,
    by_name: BTreeMap<&'static str, Asset>,
}

/// A file, also compressed, and its entity tag.
struct Asset {
    kind: ContentType,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
    tag: String,
}

impl Assets {
    /// Computes the hashes.
    fn new(files: &[File]) -> Self {
        let mut all = Sha256::new();
        for (name, plain, ..) in files {
            all.update(Sha256::digest(name));
            all.update(Sha256::digest(plain));
        }
        let by_name = files.iter().map(|file| (file.0, Asset::new(*file))).collect();
        Self { hash: base64url(&all.finalize()[..9]), by_name }
    }
}

impl Asset {
    fn new((name, plain, gzip, brotli): File) -> Self {
        let kind = match name.rsplit('.').next() {
            Some("css") => ContentType::CSS,
            Some("svg") => ContentType::SVG,
            _ => ContentType::JavaScript,
        };
        Self {
            kind,
            plain,
            gzip,
            brotli,
            // The entity tag is weak because it identifies the content, not the bytes: the plain and the compressed response
            // share it (RFC 9110 §8.8.1).
            tag: format!("W/\"{}\"", base64url(&Sha256::digest(plain)[..12])),
        }
    }
}

/// Returns the address from which the built-in pages load an asset; `None` if there is no file of this name.
pub fn address(name: &str) -> Option<String> {
    ASSETS.by_name.contains_key(name).then(|| format!("{}/{name}", folder()))
}

/// Returns the address of the folder from which the built-in pages load all assets.
pub fn folder() -> String {
    format!("/static/{}", ASSETS.hash)
}

/// A response with a file. `caching` is the value of its header `Cache-Control`.
pub struct AssetResponse {
    asset: &'static Asset,
    caching: String,
}

impl<'r> Responder<'r, 'static> for AssetResponse {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let Self { asset, caching } = self;
        let mut response = Response::build();
        response
            .header(Header::new("ETag", asset.tag.clone()))
            .header(Header::new("Cache-Control", caching))
            .header(Header::new("Vary", "Accept-Encoding"));
        let tag = asset.tag.trim_start_matches("W/");
        if request.headers().get("If-None-Match").any(|tags| tags.split(',').any(matches_etag(tag))) {
            return response.status(Status::NotModified).ok();
        }
        response.header(asset.kind.clone());
        let (coding, body) = if accepts(request, "br") {
            (Some("br"), asset.brotli)
        } else if accepts(request, "gzip") {
            (Some("gzip"), asset.gzip)
        } else {
            (None, asset.plain)
        };
        if let Some(coding) = coding {
            response.header(Header::new("Content-Encoding", coding));
        }
        response.sized_body(body.len(), std::io::Cursor::new(body));
        response.ok()
    }
}

/// Returns the address from which the pages load the logo. It contains a hash of the content.
pub fn address_of_logo(logo: &Logo) -> String {
    format!("/static/{}/{}", logo.tag(), logo.file_name())
}

/// The content security policy of the logo. An SVG that is opened by itself can style itself, but it runs no script and loads
/// nothing.
const LOGO_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/// A response with the logo of the site.
pub struct LogoResponse(Logo);

impl<'r> Responder<'r, 'static> for LogoResponse {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let kind = match self.0.format() {
            LogoFormat::Svg => ContentType::SVG,
            LogoFormat::Png => ContentType::PNG,
            LogoFormat::Webp => ContentType::WEBP,
            LogoFormat::Jpeg => ContentType::JPEG,
        };
        let bytes = self.0.bytes().to_vec();
        Response::build()
            .header(kind)
            .header(Header::new("ETag", format!("\"{}\"", self.0.tag())))
            .header(Header::new("Cache-Control", FOR_EVER))
            .header(Header::new("Content-Security-Policy", LOGO_POLICY))
            .sized_body(bytes.len(), std::io::Cursor::new(bytes))
            .ok()
    }
}

/// A response with a file of one version.
#[derive(rocket::Responder)]
pub enum VersionResponse {
    /// An embedded file.
    Asset(AssetResponse),
    /// The logo of the site.
    Logo(LogoResponse),
}

/// Returns whether `Accept-Encoding` lists the coding with a weight above 0 (RFC 9110 §12.5.3). Without a weight, the weight is
/// 1. An entry whose `q=` is not a number does not count; any other parameter is ignored.
fn accepts(request: &Request<'_>, wanted: &str) -> bool {
    let codings = request.headers().get("Accept-Encoding").flat_map(|list| list.split(','));
    codings.map(|coding| coding.split_once(';').unwrap_or((coding, ""))).any(|(coding, weight)| {
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), |weight| weight.trim().parse::<f32>());
        coding.trim().eq_ignore_ascii_case(wanted) && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// Returns the file of this name, or the error for a 404.
fn find(name: &str) -> Result<&'static Asset, ApiError> {
    ASSETS.by_name.get(name).ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such asset."))
}

/// The value of `Cache-Control` for an address that contains a hash of the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Serves a file for the built-in pages. Responds 404 if there is no such file or if `hash` belongs to another version.
#[get("/static/<hash>/<name>")]
pub fn asset_of_version(hash: &str, name: &str, vestibule: &State<AppState>) -> Result<VersionResponse, ApiError> {
    if let Some(logo) = &vestibule.config.web.logo
        && (hash, name) == (logo.tag(), logo.file_name())
    {
        return Ok(VersionResponse::Logo(LogoResponse(logo.clone())));
    }
    let asset = find(name)?;
    if hash != ASSETS.hash {
        return Err(ApiError::new(ErrorCode::NotFound, "This is an asset of another version."));
    }
    Ok(VersionResponse::Asset(AssetResponse { asset, caching: FOR_EVER.to_owned() }))
}

/// Serves a file for other front ends.
#[get("/static/<name>")]
pub fn asset(name: &str) -> Result<AssetResponse, ApiError> {
    Ok(AssetResponse { asset: find(name)?, caching: format!("public, max-age={MAX_AGE}") })
}

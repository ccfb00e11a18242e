//! `GET /openapi.json`: every endpoint in OpenAPI 3.1. `table` says what each one takes, gives and refuses; the rest of this
//! module turns that into the document. What the table leaves out, and no rule adds, a client can't learn here.
//!
//! Names of cookies and headers are the default ones: the document does not vary with the settings, except for
//! `base_path`.

mod endpoint;
mod oauth;
mod pages;
mod problem;
mod render;
mod schemas;
mod table;

use rocket::{State, get};
use utoipa::openapi::{
    Components, ComponentsBuilder, HttpMethod, Info, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::{Tag, TagBuilder},
};

use self::endpoint::Group;
use crate::http::{caching::Cacheable, errors::Code, shared::Shared};

/// Seconds that caches may keep the document.
const MAX_AGE: u32 = 300;

const DESCRIPTION: &str = "A login-and-session system in one file: accounts, sessions that can be listed and ended, access \
    tokens that any service can check, and refresh tokens that rotate. Every error, on any path, has one body \
    (`application/problem+json`, RFC 9457) with a stable code in `error`, and every answer carries `X-Request-Id`. A service \
    that checks access tokens by the key set alone never sees revocations: to it a token lives to its `exp`.";

/// This document.
#[get("/openapi.json")]
pub fn openapi(vestibule: &State<Shared>) -> Cacheable {
    let document = document(&vestibule.config.web.base_path);
    let json = document.to_json().expect("a tree of texts, numbers and booleans is JSON");
    Cacheable::new(json, MAX_AGE)
}

/// The document of a server whose session endpoints are under `base_path`: empty, or a path without a slash at its end.
pub fn document(base_path: &str) -> OpenApi {
    let mut endpoints = table::endpoints();
    if base_path.is_empty() {
        // Then it is the same path as the one under the base.
        endpoints.retain(|endpoint| endpoint.id != "root_token");
    }
    let paths = endpoints.iter().fold(PathsBuilder::new(), |paths, endpoint| {
        let path = endpoint.path.replacen(endpoint::BASE, base_path, 1);
        paths.path(path, PathItem::new(endpoint.method.clone(), render::operation(endpoint)))
    });
    // With the base path `/`, the pages' forms share two paths with the API, which is then what is told of.
    let is_new = |path: &str, item: &PathItem| {
        endpoints.iter().all(|of| !(of.path.replacen(endpoint::BASE, base_path, 1) == path && has(item, &of.method)))
    };
    let pages = pages::items().map(|(path, item)| (path.replacen(endpoint::BASE, base_path, 1), item));
    let paths =
        pages.filter(|(path, item)| is_new(path, item)).fold(paths, |paths, (path, item)| paths.path(path, item));
    let answers = endpoints.iter().flat_map(|endpoint| endpoint.success.schemas.clone());
    OpenApiBuilder::new()
        .info(info())
        .tags(Some(Group::ALL.map(tag).into_iter().chain([page_tag()])))
        .paths(paths)
        .components(Some(components().schemas_from_iter(answers).build()))
        .build()
}

fn info() -> Info {
    let license = LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).identifier(Some(env!("CARGO_PKG_LICENSE")));
    InfoBuilder::new()
        .title("Vestibule")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license.build()))
        .build()
}

fn tag(group: Group) -> Tag {
    TagBuilder::new().name(group.name()).description(Some(group.description())).build()
}

fn page_tag() -> Tag {
    TagBuilder::new().name(pages::TAG.0).description(Some(pages::TAG.1)).build()
}

/// Whether an item has an operation of a method.
fn has(item: &PathItem, method: &HttpMethod) -> bool {
    match method {
        HttpMethod::Get => item.get.is_some(),
        HttpMethod::Post => item.post.is_some(),
        _ => false,
    }
}

/// What operations refer to, and the 405, which is the answer to a method that is none of them.
fn components() -> ComponentsBuilder {
    let examples = Code::ALL.iter().map(|code| (code.key(), problem::example(*code)));
    let components = Components::builder()
        .schemas_from_iter(problem::schemas())
        .parameter(render::CSRF_PARAMETER, render::csrf_parameter())
        .parameter(render::IF_NONE_MATCH_PARAMETER, render::if_none_match_parameter())
        .response("MethodNotAllowed", problem::response(405, &[Code::MethodNotAllowed], problem::PROBLEM));
    let components =
        render::headers().into_iter().fold(components, |components, (name, header)| components.header(name, header));
    let components = examples.fold(components, |components, (code, example)| components.example(code, example));
    security_schemes()
        .into_iter()
        .fold(components, |components, (name, scheme)| components.security_scheme(name, scheme))
}

fn security_schemes() -> [(&'static str, SecurityScheme); 4] {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token in `Authorization: Bearer …` (RFC 6750). It wins over a cookie."));
    let cookie = |name: &str, description: &str| {
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(name, description)))
    };
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("Id and secret of a confidential client (RFC 6749 §2.3.1), in place of the form's fields."));
    [
        (endpoint::BEARER, SecurityScheme::Http(bearer.build())),
        (endpoint::CLIENT, SecurityScheme::Http(basic.build())),
        (
            endpoint::ACCESS_COOKIE,
            cookie(
                "__Host-access_token",
                "An access token in its cookie, where `token_location` has `cookies`. A request that changes something then \
                 needs the header `X-CSRF-Token` too.",
            ),
        ),
        (
            endpoint::REFRESH_COOKIE,
            cookie(
                "__Secure-refresh_token",
                "A refresh token in its cookie, where `token_location` has `cookies`; with the header `X-CSRF-Token`.",
            ),
        ),
    ]
}

/// Whether a method changes nothing.
fn is_get(method: &HttpMethod) -> bool {
    *method == HttpMethod::Get
}

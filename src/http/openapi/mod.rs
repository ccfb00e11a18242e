//! `GET /openapi.json`: every endpoint in OpenAPI 3.1. `table` lists the requests, the responses and the errors of each
//! endpoint. The other files of this module convert the table to the document. They add by rule the parts that several
//! endpoints have in common.
//!
//! These settings appear in the document: `base_path`, `public_url`, the names of the cookies and the name of the CSRF header.
//! The file `openapi.json` of the repository contains their defaults.

mod admin;
mod endpoint;
mod examples;
mod headers;
mod oauth;
mod pages;
mod problem;
mod render;
mod schemas;
mod security;
mod settings;
mod table;

use std::sync::{Arc, OnceLock};

use rocket::{State, get};
use utoipa::openapi::{
    Components, ComponentsBuilder, HttpMethod, Info, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder, Server,
    tag::{Tag, TagBuilder},
};

use self::endpoint::Group;
use crate::{
    config::Config,
    http::{
        app_state::AppState,
        caching::{Cacheable, Document},
        errors::ErrorCode,
        openapi::{
            headers::{PROBLEM_JSON, headers},
            settings::Settings,
        },
    },
};

/// Seconds for which caches may keep the document.
const MAX_AGE: u32 = 300;

const DESCRIPTION: &str = "A server for logins and sessions, in one executable file: accounts, sessions that can be listed and \
    ended, access tokens that any service can verify, and refresh tokens that rotate. Every error has the same body (RFC \
    9457), with a stable code in `error`. The media type of the body is `application/problem+json`, and `application/json` \
    at the OAuth 2.0 endpoints that take a form. Every response has the header `X-Request-Id`. A service that verifies \
    access tokens with the key set alone does not see revocations: it accepts a token until the `exp` of the token.";

/// The document of this server, as Rocket's managed state. It is built when it is first requested, because that takes
/// milliseconds.
#[derive(Default)]
pub struct OwnDocument(OnceLock<Arc<Document>>);

/// Returns the document of this server.
#[get("/openapi.json")]
pub fn openapi(vestibule: &State<AppState>, own: &State<OwnDocument>) -> Cacheable {
    let build = || {
        let json = of_config(&vestibule.config).to_json().expect("a tree of texts, numbers and booleans is JSON");
        Arc::new(Document::new(json))
    };
    Cacheable::new(Arc::clone(own.0.get_or_init(build)), MAX_AGE)
}

/// Returns the document with the session endpoints below `base_path` and the defaults of all other settings. `base_path` is
/// empty, or a path without a slash at its end.
pub fn document(base_path: &str) -> OpenApi {
    build(&Settings {
        base_path,
        public_url: "http://localhost:8000",
        access_cookie: "__Host-access_token",
        refresh_cookie: "__Secure-refresh_token",
        csrf_cookie: "__Host-csrf_token",
        csrf_header: "X-CSRF-Token",
        password_min_length: 10,
    })
}

/// Returns the document of a server with this configuration.
pub fn of_config(config: &Config) -> OpenApi {
    build(&Settings {
        base_path: &config.web.base_path,
        public_url: config.web.public_url.as_str(),
        access_cookie: &config.cookies.access_name,
        refresh_cookie: &config.cookies.refresh_name,
        csrf_cookie: &config.cookies.csrf_name,
        csrf_header: &config.cookies.csrf_header,
        password_min_length: config.passwords.min_length,
    })
}

/// Returns the document for these settings.
fn build(settings: &Settings<'_>) -> OpenApi {
    let base_path = settings.base_path;
    let mut endpoints = table::endpoints();
    if base_path.is_empty() {
        // With an empty `base_path`, `token` and `root_token` have the same path, `/token`.
        endpoints.retain(|endpoint| endpoint.id != "root_token");
    }
    let paths = endpoints.iter().fold(PathsBuilder::new(), |paths, endpoint| {
        let path = endpoint.path.replacen(endpoint::BASE, base_path, 1);
        paths.path(path, PathItem::new(endpoint.method.clone(), render::operation(endpoint, settings)))
    });
    // With an empty `base_path`, two forms of the pages have the same method and path as an endpoint of the API. The document
    // then describes only the endpoint of the API.
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
        .servers(Some([Server::new(settings.public_url)]))
        .paths(paths)
        .components(Some(components(settings).schemas_from_iter(answers).build()))
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

/// Returns whether a path item has an operation with a method. Only `GET` and `POST` are distinguished, because no page with
/// another method has the same path as an endpoint of the API.
fn has(item: &PathItem, method: &HttpMethod) -> bool {
    match method {
        HttpMethod::Get => item.get.is_some(),
        HttpMethod::Post => item.post.is_some(),
        _ => false,
    }
}

/// Returns the components that operations refer to. Three responses are added although no operation refers to them: 405 to
/// a method that a path does not support, 414 and 431 to a request whose head is too long.
fn components(settings: &Settings<'_>) -> ComponentsBuilder {
    let examples = ErrorCode::ALL.iter().map(|code| (code.key(), problem::example(*code)));
    let components = Components::builder()
        .schemas_from_iter(problem::schemas())
        .parameter(render::CSRF_PARAMETER, render::csrf_parameter(settings.csrf_header, settings.csrf_cookie))
        .parameter(render::IF_NONE_MATCH_PARAMETER, render::if_none_match_parameter())
        .response("MethodNotAllowed", problem::response(405, &[ErrorCode::MethodNotAllowed], PROBLEM_JSON))
        .response("TargetTooLong", problem::response(414, &[ErrorCode::TargetTooLong], PROBLEM_JSON))
        .response("HeadersTooLarge", problem::response(431, &[ErrorCode::HeadersTooLarge], PROBLEM_JSON));
    let components =
        headers().into_iter().fold(components, |components, (name, header)| components.header(name, header));
    let components = examples.fold(components, |components, (code, example)| components.example(code, example));
    security::schemes(settings)
        .into_iter()
        .fold(components, |components, (name, scheme)| components.security_scheme(name, scheme))
}

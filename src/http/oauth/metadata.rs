//! `GET /.well-known/oauth-authorization-server` (RFC 8414): the addresses of the OAuth endpoints and their capabilities.
//!
//! The path is fixed. If the issuer has a path, RFC 8414 §3.1 requires clients to append that path to this one. A proxy in
//! front of the server can then map the longer path to this one.

use std::sync::Arc;

use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::permission::BUILT_IN,
    flows::Vestibule,
    http::{
        api::well_known::JWKS_PATH,
        app_state::AppState,
        caching::{Cacheable, Document},
    },
};

/// Seconds for which caches may keep the document.
const MAX_AGE: u32 = 300;

/// The methods by which a client authenticates at the token endpoint and at the revocation endpoint.
const CLIENT_METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

/// The methods by which a caller authenticates at the introspection endpoint. `Bearer` is an access token (RFC 8414 §2).
const INTROSPECTION_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "Bearer"];

/// The metadata of the authorization server (RFC 8414 §2).
#[derive(Debug, Serialize, ToSchema)]
pub struct Metadata {
    /// The issuer: the claim `iss` of the server's tokens.
    issuer: String,
    /// The address of the token endpoint.
    token_endpoint: String,
    /// The methods by which clients authenticate at the token endpoint.
    token_endpoint_auth_methods_supported: [&'static str; 3],
    /// The address of the revocation endpoint (RFC 7009).
    revocation_endpoint: String,
    /// The methods by which clients authenticate at the revocation endpoint.
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    /// The address of the introspection endpoint (RFC 7662).
    introspection_endpoint: String,
    /// The methods by which callers authenticate at the introspection endpoint.
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    /// The address of the public keys that verify access tokens.
    jwks_uri: String,
    /// The supported grants: `password` and `refresh_token`.
    grant_types_supported: [&'static str; 2],
    /// Always empty, because there is no authorization endpoint.
    response_types_supported: [&'static str; 0],
    /// The permissions of the server itself. The permissions of applications are not published.
    scopes_supported: [&'static str; BUILT_IN.len()],
}

impl Metadata {
    fn of(vestibule: &Vestibule) -> Self {
        let web = &vestibule.config.web;
        let public = &web.public_url;
        let endpoint = |name: &str| format!("{public}{}/{name}", web.base_path);
        Self {
            issuer: vestibule.config.tokens.issuer.to_string(),
            token_endpoint: endpoint("token"),
            token_endpoint_auth_methods_supported: CLIENT_METHODS,
            revocation_endpoint: endpoint("revoke"),
            revocation_endpoint_auth_methods_supported: CLIENT_METHODS,
            introspection_endpoint: endpoint("introspect"),
            introspection_endpoint_auth_methods_supported: INTROSPECTION_METHODS,
            jwks_uri: format!("{public}{JWKS_PATH}"),
            grant_types_supported: ["password", "refresh_token"],
            response_types_supported: [],
            scopes_supported: BUILT_IN,
        }
    }
}

/// Returns the metadata. The addresses begin with `public_url`, not with the host of the request.
#[get("/.well-known/oauth-authorization-server")]
pub fn metadata(vestibule: &State<AppState>) -> Cacheable {
    let json = serde_json::to_string(&Metadata::of(vestibule)).expect("texts and lists of them are JSON");
    Cacheable::new(Arc::new(Document::new(json)), MAX_AGE)
}

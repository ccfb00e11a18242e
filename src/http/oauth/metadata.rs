//! `GET /.well-known/oauth-authorization-server` (RFC 8414): where the endpoints are and what they take.
//!
//! The path is fixed: §3.1 would have the path of an issuer that has one after it, and a proxy in front can arrange that.

use rocket::{State, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::permission::BUILT_IN,
    flows::Vestibule,
    http::{api::well_known::JWKS_PATH, app_state::AppState, caching::Cacheable},
};

/// Seconds that caches may keep it.
const MAX_AGE: u32 = 300;

/// How a client says who it is at the token and the revocation endpoint.
const CLIENT_METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

/// How whoever asks says who they are at the introspection endpoint.
const INTROSPECTION_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "Bearer"];

/// What the server is (RFC 8414 §2).
#[derive(Debug, Serialize, ToSchema)]
pub struct Metadata {
    /// The `iss` of its tokens.
    issuer: String,
    /// Where tokens are got.
    token_endpoint: String,
    /// How clients authenticate there.
    token_endpoint_auth_methods_supported: [&'static str; 3],
    /// Where they are given back (RFC 7009).
    revocation_endpoint: String,
    /// How clients authenticate there.
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    /// Where they are asked about (RFC 7662).
    introspection_endpoint: String,
    /// How callers authenticate there.
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    /// The public keys.
    jwks_uri: String,
    /// `password`, `refresh_token`.
    grant_types_supported: [&'static str; 2],
    /// None: there is no authorization endpoint.
    response_types_supported: [&'static str; 0],
    /// What the server itself asks for. An application's own permissions are not told to everybody.
    scopes_supported: [&'static str; BUILT_IN.len()],
}

impl Metadata {
    fn of(vestibule: &Vestibule) -> Self {
        let web = &vestibule.config.web;
        let public = web.public_url.trim_end_matches('/');
        let endpoint = |name: &str| format!("{public}{}/{name}", web.base_path);
        Self {
            issuer: vestibule.config.tokens.issuer.clone(),
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

/// The metadata.
#[get("/.well-known/oauth-authorization-server")]
pub fn metadata(vestibule: &State<AppState>) -> Cacheable {
    let json = serde_json::to_string(&Metadata::of(vestibule)).expect("texts and lists of them are JSON");
    Cacheable::new(json, MAX_AGE)
}

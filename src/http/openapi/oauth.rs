//! The rows of the OAuth 2.0 endpoints.

use serde_json::json;
use utoipa::openapi::HttpMethod::{Get, Post};

use super::{
    endpoint::{
        Access::{Client, ClientOrBearer},
        Endpoint, Group,
    },
    examples::{PASSWORD, REFRESH_TOKEN},
};
use crate::http::{
    errors::ErrorCode::{
        InvalidGrant, InvalidScope, Overloaded, TooManyRequests, UnauthorizedClient, UnsupportedGrantType,
    },
    oauth::{
        introspect::Introspection,
        metadata::Metadata,
        revoke::{Nothing, TokenParameter},
        token::{OAuthTokens, TokenBody},
    },
};

/// The endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        token("{base}/token", "token", "Get tokens"),
        token("/token", "root_token", "Get tokens, at the path that FastAPI's clients know"),
        Endpoint::new(Post, "{base}/revoke", "revoke", Group::OAuth)
            .described_as(
                "Take a token back",
                "RFC 7009: a refresh token ends its session, an access token itself alone. One that is none of ours, or over, is \
                 no error.",
            )
            .access(Client)
            .form_body::<TokenParameter>()
            .example_body("a refresh token", json!({"token": REFRESH_TOKEN}))
            .returns::<Nothing>(200, "The token holds no longer.")
            .fails_with(&[InvalidGrant]),
        Endpoint::new(Post, "{base}/introspect", "introspect", Group::OAuth)
            .described_as(
                "Ask about a token",
                "RFC 7662: for confidential clients, and for access tokens with the permission `tokens:introspect`. Of a token \
                 that does not concern the caller nothing is said but `active: false`.",
            )
            .access(ClientOrBearer)
            .form_body::<TokenParameter>()
            .example_body("an access token", json!({"token": "<access_token of a login>"}))
            .returns::<Introspection>(200, "Whether the token is live, and what it says.")
            .with_additional_fields(),
        Endpoint::new(Get, "/.well-known/oauth-authorization-server", "metadata", Group::OAuth)
            .described_as("The metadata of the server", "RFC 8414: addresses of the endpoints, and what they support.")
            .returns::<Metadata>(200, "The metadata.")
            .cacheable(),
    ]
}

fn token(path: &'static str, id: &'static str, summary: &'static str) -> Endpoint {
    Endpoint::new(Post, path, id, Group::OAuth)
        .described_as(
            summary,
            "RFC 6749: for a password (§4.3), which opens a session, or for a refresh token (§6), which goes on with it.",
        )
        .access(Client)
        .form_body::<TokenBody>()
        .example_body("a password", json!({"grant_type": "password", "username": "ada", "password": PASSWORD}))
        .example_body("a refresh token", json!({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}))
        .returns::<OAuthTokens>(200, "The tokens.")
        .fails_with(&[
            InvalidGrant,
            InvalidScope,
            UnauthorizedClient,
            UnsupportedGrantType,
            TooManyRequests,
            Overloaded,
        ])
}

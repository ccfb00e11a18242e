//! The rows of the table for the OAuth 2.0 endpoints.

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
        InvalidGrant, InvalidScope, InvalidTarget, Overloaded, TooManyRequests, UnauthorizedClient,
        UnsupportedGrantType,
    },
    oauth::{
        introspect::Introspection,
        metadata::Metadata,
        revoke::{Nothing, TokenParameter},
        token::{OAuthTokens, TokenForm},
    },
};

/// Returns the rows of the OAuth 2.0 endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        token("{base}/token", "token", "Get tokens"),
        token("/token", "root_token", "Get tokens, at the path that FastAPI clients use"),
        Endpoint::new(Post, "{base}/revoke", "revoke", Group::OAuth)
            .described_as(
                "Revoke a token",
                "RFC 7009. Revoking a refresh token ends its session. Revoking an access token revokes only that token. The \
                 response is the same if the token is unknown, expired or already revoked.",
            )
            .access(Client)
            .form_body::<TokenParameter>()
            .example_body("a refresh token", json!({"token": REFRESH_TOKEN}))
            .returns::<Nothing>(200, "The token is no longer valid.")
            .fails_with(&[InvalidGrant]),
        Endpoint::new(Post, "{base}/introspect", "introspect", Group::OAuth)
            .described_as(
                "Introspect a token",
                "RFC 7662. The caller is a confidential client, or presents an access token with the permission \
                 `tokens:introspect`. A client sees the tokens that were issued to it and the access tokens for its audience. \
                 A caller with an access token sees the access tokens for the same audience, and the refresh tokens of \
                 clients with this audience. For every other token the response has only `active: false`.",
            )
            .access(ClientOrBearer)
            .form_body::<TokenParameter>()
            .example_body("an access token", json!({"token": "<access_token of a login>"}))
            .returns::<Introspection>(200, "Whether the token is active. If so, also its claims.")
            .with_additional_fields(),
        Endpoint::new(Get, "/.well-known/oauth-authorization-server", "metadata", Group::OAuth)
            .described_as(
                "Get the metadata of the server",
                "RFC 8414. Returns the URLs and the capabilities of the OAuth endpoints.",
            )
            .returns::<Metadata>(200, "The metadata.")
            .may_be_cached(),
    ]
}

/// Returns the row of the token endpoint at one of its two paths.
fn token(path: &'static str, id: &'static str, summary: &'static str) -> Endpoint {
    Endpoint::new(Post, path, id, Group::OAuth)
        .described_as(
            summary,
            "RFC 6749. The grant `password` (§4.3) opens a session and returns its tokens. The grant `refresh_token` (§6) \
             continues the session with new tokens.",
        )
        .access(Client)
        .form_body::<TokenForm>()
        .example_body("a password", json!({"grant_type": "password", "username": "ada", "password": PASSWORD}))
        .example_body("a refresh token", json!({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}))
        .returns::<OAuthTokens>(200, "The tokens.")
        .fails_with(&[
            InvalidGrant,
            InvalidScope,
            InvalidTarget,
            UnauthorizedClient,
            UnsupportedGrantType,
            TooManyRequests,
            Overloaded,
        ])
}

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
    errors::Code::{InvalidGrant, InvalidScope, Overloaded, TooManyRequests, UnauthorizedClient, UnsupportedGrantType},
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
            .says(
                "Take a token back",
                "RFC 7009: a refresh token ends its session, an access token itself alone. One that is none of ours, or over, is \
                 no error.",
            )
            .for_whom(Client)
            .takes_form::<TokenParameter>()
            .such_as("a refresh token", json!({"token": REFRESH_TOKEN}))
            .gives::<Nothing>(200, "The token holds no longer.")
            .or_fails(&[InvalidGrant]),
        Endpoint::new(Post, "{base}/introspect", "introspect", Group::OAuth)
            .says(
                "Ask about a token",
                "RFC 7662: for confidential clients, and for access tokens with the permission `tokens:introspect`. Of a token \
                 that does not concern the caller nothing is said but `active: false`.",
            )
            .for_whom(ClientOrBearer)
            .takes_form::<TokenParameter>()
            .such_as("an access token", json!({"token": "<access_token of a login>"}))
            .gives::<Introspection>(200, "Whether the token is live, and what it says.")
            .with_further_fields(),
        Endpoint::new(Get, "/.well-known/oauth-authorization-server", "metadata", Group::OAuth)
            .says("The metadata of the server", "RFC 8414: addresses of the endpoints, and what they support.")
            .gives::<Metadata>(200, "The metadata.")
            .cacheable(),
    ]
}

fn token(path: &'static str, id: &'static str, summary: &'static str) -> Endpoint {
    Endpoint::new(Post, path, id, Group::OAuth)
        .says(
            summary,
            "RFC 6749: for a password (§4.3), which opens a session, or for a refresh token (§6), which goes on with it.",
        )
        .for_whom(Client)
        .takes_form::<TokenBody>()
        .such_as("a password", json!({"grant_type": "password", "username": "ada", "password": PASSWORD}))
        .such_as("a refresh token", json!({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}))
        .gives::<OAuthTokens>(200, "The tokens.")
        .or_fails(&[
            InvalidGrant,
            InvalidScope,
            UnauthorizedClient,
            UnsupportedGrantType,
            TooManyRequests,
            Overloaded,
        ])
}

//! The rows of the OAuth 2.0 endpoints.

use serde_json::json;
use utoipa::openapi::HttpMethod::{Get, Post};

use super::{
    endpoint::{
        Access::{Client, ClientOrBearer},
        Endpoint, Field, Group, Kind, optional, required,
    },
    table::{PASSWORD, REFRESH_TOKEN},
};
use crate::{
    domain::Email,
    http::{
        errors::Code::{
            InvalidGrant, InvalidScope, Overloaded, TooManyRequests, UnauthorizedClient, UnsupportedGrantType,
        },
        oauth::{introspect::Introspection, metadata::Metadata, revoke::Nothing, token::OAuthTokens},
    },
};

const SCOPE: &str =
    "The permissions that the tokens should carry at most, separated by spaces; else all that can be granted.";

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
            .takes_form(of_token("The token."))
            .such_as("a refresh token", json!({"token": REFRESH_TOKEN}))
            .gives::<Nothing>(200, "It holds no longer.")
            .or_fails(&[InvalidGrant]),
        Endpoint::new(Post, "{base}/introspect", "introspect", Group::OAuth)
            .says(
                "Ask about a token",
                "RFC 7662: for confidential clients, and for access tokens with the permission `tokens:introspect`. Of a token \
                 that does not concern the caller nothing is said but `active: false`.",
            )
            .for_whom(ClientOrBearer)
            .takes_form(of_token("The token that is asked about."))
            .such_as("an access token", json!({"token": "<access_token of a login>"}))
            .gives::<Introspection>(200, "What is to be said of it.")
            .with_further_fields(),
        Endpoint::new(Get, "/.well-known/oauth-authorization-server", "metadata", Group::OAuth)
            .says("Where what is", "RFC 8414.")
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
        .takes_form(fields_of_token())
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

fn fields_of_token() -> Vec<Field> {
    let mut fields = vec![
        optional("grant_type", Kind::OneOf(&["password", "refresh_token"]), "Else `password`."),
        optional("username", Kind::Text(Email::MAX_BYTES), "The name or address of the account; for a password."),
        optional("password", Kind::Password, "The password of the account."),
        optional("refresh_token", Kind::Opaque, "The session's refresh token; for a refresh token."),
        optional("scope", Kind::Opaque, SCOPE),
        optional("device_id", Kind::Opaque, "The secret that an earlier login on this device gave."),
        optional("device_name", Kind::Text(100), "What the device is called in the list."),
        optional("fingerprint", Kind::Opaque, "What the browser tells about itself: the JSON object, as text."),
    ];
    fields.extend(of_client());
    fields
}

fn of_token(description: &'static str) -> Vec<Field> {
    let mut fields = vec![
        required("token", Kind::Opaque, description),
        optional("token_type_hint", Kind::Opaque, "Not read: a token says itself what it is."),
    ];
    fields.extend(of_client());
    fields
}

fn of_client() -> [Field; 2] {
    [
        optional("client_id", Kind::Text(64), "The client; else `default`. Not where HTTP Basic says another."),
        optional("client_secret", Kind::Opaque, "The secret of a confidential client. Not beside HTTP Basic."),
    ]
}

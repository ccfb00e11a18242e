//! The token answer, and how it travels: in the body, or in cookies.

use rocket::serde::json::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{flows::Tokens, http::browser::cookies::Cookies};

/// How a client wants its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// In the body.
    #[default]
    Body,
    /// In cookies, with the CSRF token in the body.
    Cookie,
}

impl Transport {
    /// What the field `transport` may be. `body` means `bearer` as well.
    pub const NAMES: &'static [&'static str] = &["bearer", "cookie"];

    /// Reads the field `transport`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "body" | "bearer" => Ok(Self::Body),
            "cookie" => Ok(Self::Cookie),
            _ => Err("must be \"cookie\" or \"bearer\""),
        }
    }
}

/// What a login or a refresh answers. With cookie transport the tokens are in cookies, and `csrf_token` stands here.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenResponse {
    /// Sent as `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Traded for the next pair at the endpoint `refresh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Cookie transport: goes back in the header `X-CSRF-Token` with every request that changes something.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// Always `bearer`.
    token_type: &'static str,
    /// Seconds until the access token is over.
    expires_in: i64,
    /// Seconds until the refresh token is over.
    refresh_expires_in: i64,
    /// The session.
    session_id: String,
    /// The device's secret: given at the next login, it takes over this device's session. Null where the device was
    /// forgotten.
    #[schema(required)]
    device_id: Option<String>,
}

/// Renders tokens.
pub fn respond(cookies: Cookies<'_>, tokens: Tokens, transport: Transport) -> Json<TokenResponse> {
    let in_body = transport == Transport::Body;
    if !in_body {
        cookies.set(&tokens);
    }
    Json(TokenResponse {
        access_token: in_body.then_some(tokens.access_token),
        refresh_token: in_body.then_some(tokens.refresh_token),
        csrf_token: (!in_body).then_some(tokens.csrf_token),
        token_type: "bearer",
        expires_in: tokens.expires_in,
        refresh_expires_in: tokens.refresh_expires_in,
        session_id: tokens.session_id.to_string(),
        device_id: tokens.device_id,
    })
}

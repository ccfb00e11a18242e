//! The response with tokens. The tokens are returned in its body or in cookies.

use rocket::serde::json::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{flows::Tokens, http::browser::cookies::Cookies};

/// The way in which a client receives its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// In the body of the response.
    #[default]
    Body,
    /// In cookies. The body has only the CSRF token.
    Cookie,
}

impl Transport {
    /// The documented values of the field `transport`. The value `body` is accepted as another name of `bearer`.
    pub const NAMES: &'static [&'static str] = &["bearer", "cookie"];

    /// Reads the field `transport`. The error is the message for the field.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "body" | "bearer" => Ok(Self::Body),
            "cookie" => Ok(Self::Cookie),
            _ => Err("must be \"cookie\" or \"bearer\""),
        }
    }
}

/// The tokens of a session. With the transport `cookie`, the response sets the access token and the refresh token as cookies.
/// The body then has `csrf_token` instead of the two tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenResponse {
    /// The access token, for the header `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// The refresh token. The endpoint `refresh` exchanges it for new tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// The CSRF token. Present only with the transport `cookie`. A request with an unsafe method that a cookie authenticates
    /// must send this token in the CSRF header, which is `X-CSRF-Token` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// Always `bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// Seconds until the refresh token expires.
    refresh_expires_in: i64,
    /// The id of the session.
    session_id: String,
    /// A secret by which the server recognises the device. If the next login sends it, the new session replaces the old session
    /// of this device. Null if the server has deleted the device, and for a refresh that does not send it although an earlier
    /// request of the session did: such a request may come from a thief.
    #[schema(required)]
    device_id: Option<String>,
    /// Whether the session is bound to its device: then each refresh must send a matching fingerprint.
    device_bound: bool,
    /// What the comparison of a drifting fingerprint found. Only for a refresh in the profile `dev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fingerprint: Option<ComparisonView>,
}

/// What the comparison of a fingerprint with that of the session found.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparisonView {
    /// The share of the session's fingerprint that is equal, 0.0 to 1.0.
    score: f64,
    /// The names of the properties that are different or missing.
    differed: Vec<&'static str>,
}

/// Returns the response with the tokens. With the transport `cookie`, sets the cookies, and the body has no tokens.
pub fn respond(cookies: Cookies<'_>, tokens: Tokens, transport: Transport) -> Json<TokenResponse> {
    let in_body = transport == Transport::Body;
    cookies.log_entry().set_user(tokens.user_id);
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
        device_bound: tokens.device_bound,
        fingerprint: tokens.compared.map(|found| ComparisonView { score: found.score, differed: found.differed }),
    })
}

//! The security schemes: the ways in which a request authenticates.

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityScheme,
};

use super::{endpoint, settings::Settings};

/// Returns every scheme, by the name that operations refer to.
pub(super) fn schemes(settings: &Settings<'_>) -> [(&'static str, SecurityScheme); 5] {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "An access token in `Authorization: Bearer …` (RFC 6750). It takes precedence over a cookie.",
    ));
    let header = settings.csrf_header;
    let cookie = |name: &str, description: String| {
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(name, &*description)))
    };
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(
        "Id and secret of a confidential client (RFC 6749 §2.3.1), instead of the fields of the form.",
    ));
    [
        (endpoint::PASSWORD_FLOW, SecurityScheme::OAuth2(password_flow(settings))),
        (endpoint::BEARER, SecurityScheme::Http(bearer.build())),
        (endpoint::CLIENT, SecurityScheme::Http(basic.build())),
        (
            endpoint::ACCESS_COOKIE,
            cookie(
                settings.access_cookie,
                format!(
                    "An access token in its cookie, if `token_location` has `cookies`. A request that changes something must \
                     then also have the header `{header}`."
                ),
            ),
        ),
        (
            endpoint::REFRESH_COOKIE,
            cookie(
                settings.refresh_cookie,
                format!(
                    "A refresh token in its cookie, if `token_location` has `cookies`. The request must also have the header \
                     `{header}`."
                ),
            ),
        ),
    ]
}

/// Returns the password flow for viewers of the document that sign in themselves. They then send the access token as a bearer
/// token.
fn password_flow(settings: &Settings<'_>) -> OAuth2 {
    let flow = Password::new(format!("{}/token", settings.public_url), Scopes::new());
    OAuth2::with_description(
        [Flow::Password(flow)],
        "An access token, issued for a username and a password (RFC 6749 §4.3) and sent as `Authorization: Bearer …`.",
    )
}

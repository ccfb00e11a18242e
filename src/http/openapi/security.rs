//! The security schemes: the ways in which a request authenticates.

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityScheme,
};

use super::{endpoint, settings::Settings};

/// Returns every scheme with its name. Operations refer to a scheme by its name.
pub(super) fn schemes(settings: &Settings<'_>) -> [(&'static str, SecurityScheme); 5] {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "An access token in the header `Authorization: Bearer …` (RFC 6750). The header takes precedence over a cookie.",
    ));
    let header = settings.csrf_header;
    let cookie = |name: &str, description: String| {
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(name, &*description)))
    };
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(
        "The id and the secret of a confidential client (RFC 6749 §2.3.1), instead of the form's `client_id` and \
         `client_secret`.",
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
                    "An access token in a cookie, if the setting `token_location` contains `cookies`. A request with an unsafe \
                     method (RFC 9110 §9.2.1) must then also carry the CSRF token in the header `{header}`."
                ),
            ),
        ),
        (
            endpoint::REFRESH_COOKIE,
            cookie(
                settings.refresh_cookie,
                format!(
                    "A refresh token in a cookie, if the setting `token_location` contains `cookies`. The request must also \
                     carry the CSRF token in the header `{header}`."
                ),
            ),
        ),
    ]
}

/// Returns the OAuth2 password flow. With it, API browsers such as Swagger UI can log in and send the access token as a bearer
/// token.
fn password_flow(settings: &Settings<'_>) -> OAuth2 {
    let flow = Password::new(format!("{}/token", settings.public_url), Scopes::new());
    OAuth2::with_description(
        [Flow::Password(flow)],
        "An access token, issued for a username and a password (RFC 6749 §4.3) and sent as `Authorization: Bearer …`.",
    )
}

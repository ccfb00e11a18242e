//! The audience that a login or a refresh requests for its access token (RFC 8707), and what cookies require of it.

use crate::{
    config::Client,
    flows::Vestibule,
    http::{
        errors::ApiError,
        request::{
            body::Fields,
            field::{Field, Kind, optional},
        },
    },
};

/// The field of a login or a refresh with the audience of the access token.
pub(in crate::http) const AUDIENCE: Field = optional(
    "audience",
    Kind::Text(MAX_AUDIENCE),
    "The audience of the access token: one of the client's. By default its first. Only a token for this server itself can be \
     used at the endpoints of the account.",
);

/// The maximum length of an audience, in characters.
pub(in crate::http) const MAX_AUDIENCE: usize = 255;

/// Returns the audience, or the message for the field.
pub(in crate::http) fn parse(text: &str) -> Result<String, String> {
    if text.chars().count() > MAX_AUDIENCE {
        return Err(format!("may have at most {MAX_AUDIENCE} characters"));
    }
    Ok(text.to_owned())
}

/// Reads the audience. Whether the client has it is checked later.
pub(in crate::http) fn audience(fields: &mut Fields) -> Option<String> {
    fields.optional("audience", parse)
}

/// Returns the audience to request for a token in a cookie: the server itself. Pages would otherwise send the browser to the
/// sign-in again and again, because the account and forward authentication refuse a token for another service.
///
/// # Errors
/// 422 if the client does not have this audience, or if another one is requested.
pub(in crate::http) fn audience_in_cookie(
    client: &Client,
    requested: Option<String>,
    vestibule: &Vestibule,
) -> Result<Option<String>, ApiError> {
    let own = &vestibule.config.tokens.audience;
    if requested.as_ref().is_some_and(|requested| *requested != **own && client.audience.contains(requested)) {
        return Err(ApiError::field("audience", "must be this server's own audience for tokens in cookies"));
    }
    if !client.audience.contains(own) {
        let message = "must be \"bearer\": the access tokens of this client are for another service, so they can't be used in \
                       cookies of this server";
        return Err(ApiError::field("transport", message));
    }
    Ok(requested.or_else(|| Some(own.to_string())))
}

/// Returns [`audience_in_cookie`] for the client of a refresh token. The refresh itself refuses a token that is not valid.
pub(in crate::http) fn audience_of_refreshed_cookie(
    token: &str,
    requested: Option<String>,
    vestibule: &Vestibule,
) -> Result<Option<String>, ApiError> {
    let claims = vestibule.refresh_tokens.verify_signature(token).ok();
    match claims.and_then(|claims| vestibule.clients.get(&claims.client_id)) {
        Some(client) => audience_in_cookie(&client, requested, vestibule),
        None => Ok(requested),
    }
}

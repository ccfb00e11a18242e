//! Client authentication: a client sends its credentials by HTTP Basic or in the fields of the form (RFC 6749 §2.3.1), never by
//! both. A public client sends only its id.

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use crate::{
    domain::{client::DEFAULT_CLIENT, jwt},
    flows::{
        Vestibule,
        steps::client::{KnownClient, authenticate_client},
    },
    http::{
        api::login::{MAX_CLIENT_ID, client_id},
        errors::{ApiError, ErrorCode, guard_outcome, of_oauth},
        guards,
        request::{
            body::Fields,
            field::{Field, Kind, optional},
        },
    },
};

/// The client in the header `Authorization`. `None` if the request does not use HTTP Basic, or if id and secret are both empty.
pub struct BasicClient(Option<Credentials>);

/// A client id, and the secret if there is one.
struct Credentials {
    id: String,
    secret: Option<String>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for BasicClient {
    type Error = ApiError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiError> {
        let header = guards::authorization(request);
        guard_outcome(request, header.and_then(|header| header.map_or(Ok(Self(None)), read)))
    }
}

/// Reads the client in `Authorization`. Returns no client if the scheme is not Basic, or if id and secret are both empty. Fails
/// with [`ErrorCode::OAuthInvalidRequest`] if the credentials are not base64 of UTF-8 text with a `:`.
fn read((scheme, text): (&str, &str)) -> Result<BasicClient, ApiError> {
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(BasicClient(None));
    }
    let malformed = || {
        ApiError::new(
            ErrorCode::OAuthInvalidRequest,
            "The HTTP Basic credentials are not base64 of UTF-8 text with a colon.",
        )
    };
    let decoded = jwt::from_base64(text).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(malformed)?;
    let (id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    let (id, secret) = (form_decoded(id), form_decoded(secret));
    // If its fields are empty, Swagger UI sends only `:`.
    let is_given = !(id.is_empty() && secret.is_empty());
    Ok(BasicClient(is_given.then(|| Credentials { id, secret: Some(secret).filter(|secret| !secret.is_empty()) })))
}

/// Decodes the id or the secret of HTTP Basic, which are both form-encoded (RFC 6749 §2.3.1).
fn form_decoded(text: &str) -> String {
    // The text is decoded as the value of a form field. A `&` would end this value, so it is encoded first: a client may have
    // sent it unencoded.
    let value = text.replace('&', "%26");
    form_urlencoded::parse(format!("v={value}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// The form fields `client_id` and `client_secret`.
pub struct FormClient {
    id: Option<String>,
    secret: Option<String>,
}

impl FormClient {
    /// The form fields that [`FormClient::read`] reads.
    pub const FIELDS: &'static [Field] = &[
        optional(
            "client_id",
            Kind::Text(MAX_CLIENT_ID),
            "The id of the client; by default `default`. If the request uses HTTP Basic, this must be the same client.",
        ),
        optional(
            "client_secret",
            Kind::Opaque,
            "The secret of a confidential client. Not allowed together with HTTP Basic.",
        ),
    ];

    /// Reads the two fields. An absent or empty field is `None`. An id that is too long is recorded as invalid.
    pub fn read(fields: &mut Fields) -> Self {
        let id = fields.optional("client_id", client_id);
        Self { id, secret: fields.optional("client_secret", |text| Ok::<_, &str>(text.to_owned())) }
    }

    /// Returns whether the form has a secret.
    pub fn has_secret(&self) -> bool {
        self.secret.is_some()
    }
}

impl BasicClient {
    /// Returns whether the request names a client by HTTP Basic.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the client, authenticated by HTTP Basic or by `form`. Without a client id in either, the client is `default`.
    ///
    /// # Errors
    /// * [`ErrorCode::OAuthInvalidRequest`] if the request uses HTTP Basic and the form has a secret or another client id.
    /// * [`ErrorCode::InvalidClient`] if the client is unknown, if its secret is missing or wrong, or if a secret was sent for
    ///   a public client.
    pub fn or_form(&self, form: &FormClient, vestibule: &Vestibule) -> Result<KnownClient, ApiError> {
        let (id, secret, by_basic) = match &self.0 {
            Some(basic) if form.secret.is_some() || form.id.as_ref().is_some_and(|id| *id != basic.id) => {
                let detail = "Name the client once: in the Authorization header, or in client_id and client_secret.";
                return Err(ApiError::new(ErrorCode::OAuthInvalidRequest, detail));
            }
            Some(basic) => (basic.id.as_str(), basic.secret.as_deref(), true),
            None => (form.id.as_deref().unwrap_or(DEFAULT_CLIENT), form.secret.as_deref(), false),
        };
        authenticate_client(vestibule, id, secret).map_err(|error| of_oauth::of_client(&error, by_basic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a header with this text before its encoding. Returns the id and the secret.
    fn basic(text: &str) -> Option<(String, Option<String>)> {
        let header = jwt::to_base64(text.as_bytes());
        let read = read(("bAsIc", &header)).ok()?;
        read.0.map(|credentials| (credentials.id, credentials.secret))
    }

    #[test]
    fn id_and_secret_are_form_decoded() {
        let pair = |id: &str, secret: &str| Some((id.to_owned(), Some(secret.to_owned())));
        assert_eq!(basic("web:s3cret"), pair("web", "s3cret"));
        assert_eq!(basic("a%3Ab:c+d%26%2B"), pair("a:b", "c d&+"));
        assert_eq!(basic("web:a:b&c=d"), pair("web", "a:b&c=d"));
        assert_eq!(basic("web:"), Some(("web".to_owned(), None)));
        assert_eq!(basic(":"), None);
    }

    #[test]
    fn malformed_basic_credentials_are_refused_and_other_schemes_are_ignored() {
        for malformed in ["", "!", "d2Vi", "d2ViOng", "d2Vi Ong=", "/w==", "d2ViOng=="] {
            assert!(read(("Basic", malformed)).is_err(), "{malformed}");
        }
        assert!(read(("Bearer", "d2ViOng=")).is_ok_and(|read| !read.is_given()));
    }
}

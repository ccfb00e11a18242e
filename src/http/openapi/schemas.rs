//! The schemas of responses for which no handler has a type. The documentation of a field is its description in the document.

use utoipa::ToSchema;

/// The body of every error (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what errors.rs writes")]
pub(super) struct Problem {
    /// The stable code. Texts may change, codes do not.
    error: String,
    /// The same as `detail`.
    error_description: String,
    /// One sentence for a person.
    detail: String,
    /// The reason phrase of the status.
    title: String,
    /// The HTTP status code.
    status: u16,
    /// The `X-Request-Id` of the response.
    request_id: String,
    /// With `invalid_request`: all invalid fields.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
    /// With `token_revoked`: `password_changed` if the refresh token is older than the last change of the password. Its
    /// session continues with the refresh token that the password change returned.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// An invalid field of a body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what errors.rs writes")]
pub(super) struct FieldProblem {
    /// The name of the field.
    field: String,
    /// What is wrong with the value, to be read after the name of the field.
    message: String,
}

/// A JSON Web Key Set (RFC 7517 §5).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the keyring publishes")]
pub(super) struct KeySet {
    /// Every key that can verify an unexpired access token. Empty if a shared secret signs the tokens.
    keys: Vec<Key>,
}

/// A public key (RFC 7517 §4).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the keyring publishes")]
pub(super) struct Key {
    /// `EC`, `OKP` or `RSA`.
    kty: String,
    /// The curve of an `EC` or `OKP` key: `P-256`, `P-384` or `Ed25519`.
    crv: Option<String>,
    /// The only algorithm that the key is used with, such as `ES256`.
    alg: String,
    /// `sig`.
    #[schema(rename = "use")]
    usage: String,
    /// The thumbprint of the key (RFC 7638). It is in the header of each token that the key signed.
    kid: String,
    /// The x coordinate of an `EC` key, or the public key of an `OKP` key, base64url.
    x: Option<String>,
    /// The y coordinate of an `EC` key, base64url.
    y: Option<String>,
    /// The modulus of an `RSA` key, base64url.
    n: Option<String>,
    /// The exponent of an `RSA` key, base64url.
    e: Option<String>,
}

/// An OpenAPI 3.1 document.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes this document")]
pub(super) struct Document {
    /// The version of OpenAPI: `3.1.0`.
    openapi: String,
    /// Title, version, description and license of the API.
    #[schema(value_type = Object)]
    info: (),
    /// The URL of the server.
    #[schema(value_type = Vec<Object>)]
    servers: (),
    /// The groups of endpoints.
    #[schema(value_type = Vec<Object>)]
    tags: (),
    /// The endpoints.
    #[schema(value_type = Object)]
    paths: (),
    /// The parts that the endpoints share.
    #[schema(value_type = Object)]
    components: (),
}

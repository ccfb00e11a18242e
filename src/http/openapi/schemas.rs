//! The schemas of responses for which no handler has a type. The documentation of a field is its description in the document.

use std::collections::BTreeMap;

use utoipa::ToSchema;

use crate::http::api::{health::CheckView, tokens::ComparisonView};

/// The body of every error (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what errors.rs writes")]
pub(super) struct Problem {
    /// The stable code of the error. The texts may change, but a code does not change.
    error: String,
    /// The same sentence as in `detail`, under the name of RFC 6749.
    error_description: String,
    /// One sentence that describes the error to a person.
    detail: String,
    /// The reason phrase of the HTTP status.
    title: String,
    /// The HTTP status code.
    status: u16,
    /// The id of the request, as in the header `X-Request-Id`.
    request_id: String,
    /// All invalid fields of the body. Only with `invalid_request`, and with `already_exists` if another user has the name.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
    /// Only with a 401 for a token that this server signed: `logged_out`, `replaced` (by a login on the same device), `evicted`
    /// (by a login on too many devices), `password_changed`, `disabled`, `reused`, `device`, `expired` or `revoked`. With
    /// `password_changed` the session may continue with the refresh token that the password change returned.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Only with `device_mismatch` in the profile `dev`: the score of the fingerprint, and the names of the properties that are
    /// different or missing.
    #[schema(nullable = false)]
    fingerprint: Option<ComparisonView>,
    /// Only of `/ready`: the checks, by name.
    #[schema(nullable = false)]
    checks: Option<BTreeMap<String, CheckView>>,
}

/// An invalid field of a body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what errors.rs writes")]
pub(super) struct FieldProblem {
    /// The name of the field.
    field: String,
    /// The condition that the value violates. It follows the name of the field in a sentence, such as `is required`.
    message: String,
}

/// A JSON Web Key Set (RFC 7517 §5).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the keyring publishes")]
pub(super) struct KeySet {
    /// Every key that can verify an access token that has not expired. Empty if the server signs the tokens with a shared
    /// secret.
    keys: Vec<Key>,
}

/// A public key (RFC 7517 §4).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the keyring publishes")]
pub(super) struct Key {
    /// The type of the key: `EC`, `OKP` or `RSA`.
    kty: String,
    /// The curve of an `EC` or `OKP` key: `P-256`, `P-384` or `Ed25519`.
    crv: Option<String>,
    /// The only algorithm with which the key is used, such as `ES256`.
    alg: String,
    /// The use of the key: always `sig`, for signatures.
    #[schema(rename = "use")]
    usage: String,
    /// The id of the key, which is its thumbprint (RFC 7638). The header of each token that the key signed contains this id.
    kid: String,
    /// The x coordinate of an `EC` key, or the public key of an `OKP` key, in base64url.
    x: Option<String>,
    /// The y coordinate of an `EC` key, in base64url.
    y: Option<String>,
    /// The modulus of an `RSA` key, in base64url.
    n: Option<String>,
    /// The exponent of an `RSA` key, in base64url.
    e: Option<String>,
}

/// An OpenAPI 3.1 document.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes this document")]
pub(super) struct Document {
    /// The version of OpenAPI, such as `3.1.0`.
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
    /// The endpoints, by path.
    #[schema(value_type = Object)]
    paths: (),
    /// The parts that the endpoints share.
    #[schema(value_type = Object)]
    components: (),
}

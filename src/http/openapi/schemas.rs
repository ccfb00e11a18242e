//! Schemas of answers that no handler has a type for.

use utoipa::ToSchema;

/// What every error says (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what errors.rs writes")]
pub(super) struct Problem {
    /// The stable code: text may change, codes do not.
    error: String,
    /// The same as `detail`.
    error_description: String,
    /// One sentence for a person.
    detail: String,
    /// What the status is called.
    title: String,
    /// The status.
    status: u16,
    /// The `X-Request-Id` of the answer.
    request_id: String,
    /// With `invalid_request`: every bad field at once.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
    /// With `token_revoked`: `password_changed` where the refresh token is older than the last change of the password. Its session
    /// goes on with the token that the change gave.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A bad field of a body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what errors.rs writes")]
pub(super) struct FieldProblem {
    /// Its name.
    field: String,
    /// What it must be.
    message: String,
}

/// A JSON Web Key Set (RFC 7517 §5).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the keyring publishes")]
pub(super) struct KeySet {
    /// Every key by which a live access token can be checked; empty where a shared secret signs.
    keys: Vec<Key>,
}

/// A public key (RFC 7517 §4).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the keyring publishes")]
pub(super) struct Key {
    /// `EC`, `OKP` or `RSA`.
    kty: String,
    /// Of `EC` and `OKP`: `P-256`, `P-384` or `Ed25519`.
    crv: Option<String>,
    /// The one algorithm that it checks, such as `ES256`.
    alg: String,
    /// `sig`.
    #[schema(rename = "use")]
    usage: String,
    /// Stands in the header of the tokens that it signed: its thumbprint (RFC 7638).
    kid: String,
    /// Of `EC` and `OKP`, base64url.
    x: Option<String>,
    /// Of `EC`, base64url.
    y: Option<String>,
    /// The modulus of `RSA`, base64url.
    n: Option<String>,
    /// The exponent of `RSA`, base64url.
    e: Option<String>,
}

/// An OpenAPI 3.1 document.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes this document")]
pub(super) struct Document {
    /// `3.1.0`.
    openapi: String,
    /// What it describes.
    #[schema(value_type = Object)]
    info: (),
    /// Where the server is reached.
    #[schema(value_type = Vec<Object>)]
    servers: (),
    /// What endpoints are listed under.
    #[schema(value_type = Vec<Object>)]
    tags: (),
    /// The endpoints.
    #[schema(value_type = Object)]
    paths: (),
    /// What they share.
    #[schema(value_type = Object)]
    components: (),
}

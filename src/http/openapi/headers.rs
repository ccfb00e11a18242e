//! The response headers in the OpenAPI document, and the media type of error bodies.

use utoipa::openapi::{Header, HeaderBuilder, Object, Ref, Type};

/// The name of the header that every response has.
pub(super) const REQUEST_ID: &str = "X-Request-Id";

/// The media type of error bodies (RFC 9457).
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Returns a reference to the header `name` of [`headers`].
pub(super) fn header_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Returns the response headers as pairs of name and definition. Responses refer to a definition by its name.
pub(super) fn headers() -> [(&'static str, Header); 13] {
    let described = |kind: Type, description: &str| {
        HeaderBuilder::new().schema(Some(Object::with_type(kind))).description(Some(description)).build()
    };
    let text = |description: &str| described(Type::String, description);
    [
        (
            REQUEST_ID,
            text(
                "The id of the request, as in the log. An id that the client sent is kept if it has 1 to 128 ASCII letters, \
                 digits or `-_.:+/=`.",
            ),
        ),
        (
            "WWW-Authenticate",
            text(
                "`Bearer realm=\"vestibule\"`, or `Basic` if the client tried HTTP Basic. If a token was \
                 sent, the header also contains `error` (RFC 6750 §3): `invalid_token`, `insufficient_scope` if a permission \
                 is missing, or `insufficient_user_authentication` (RFC 9470) if the token is not fresh.",
            ),
        ),
        ("Retry-After", described(Type::Integer, "Seconds after which the client may try again.")),
        ("Allow", text("The methods that the path accepts.")),
        ("Location", text("The URL of the created resource, or the URL to which the client is redirected.")),
        (
            "Set-Cookie",
            text(
                "The cookies with the tokens and the CSRF token, if the client uses cookies. If the session has ended, the \
                 removal of these cookies.",
            ),
        ),
        (
            "Remote-User",
            text("The username; the verified email address of a user without one; the id of a user without either."),
        ),
        ("Remote-Email", text("The user's email address, if it is verified.")),
        ("Remote-Groups", text("The names of the user's roles, separated by commas.")),
        ("X-Auth-Sub", text("The user's id.")),
        ("X-Auth-Permissions", text("The permissions of the token, separated by spaces.")),
        ("ETag", text("A tag of the content. It changes when the content changes.")),
        (
            "Cache-Control",
            text(
                "`public, max-age=300`. At asset paths that contain the version's hash: `public, max-age=31536000, immutable`.",
            ),
        ),
    ]
}

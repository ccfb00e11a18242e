//! Headers and the type of errors, as the document names them.

use utoipa::openapi::{Header, HeaderBuilder, Object, Ref, Type};

/// The header that every answer has.
pub(super) const REQUEST_ID: &str = "X-Request-Id";

/// The type of error bodies (RFC 9457).
pub(super) const PROBLEM: &str = "application/problem+json";

/// Refers to one of [`headers`].
pub(super) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// The headers of answers, by the names that responses refer to.
pub(super) fn headers() -> [(&'static str, Header); 13] {
    let described = |kind: Type, description: &str| {
        HeaderBuilder::new().schema(Some(Object::with_type(kind))).description(Some(description)).build()
    };
    let text = |description: &str| described(Type::String, description);
    [
        (REQUEST_ID, text("Names the request in the log. One that the client sent is kept if it is well-formed.")),
        (
            "WWW-Authenticate",
            text(
                "`Bearer realm=\"vestibule\"`, or `Basic` for a client that tried that; with `error` and `error_description` where a token was sent (RFC 6750 §3): \
                 `invalid_token`, or `insufficient_user_authentication` (RFC 9470) where it is not fresh.",
            ),
        ),
        ("Retry-After", described(Type::Integer, "Seconds until it is worth trying again.")),
        ("Allow", text("The methods that the path takes.")),
        ("Location", text("Where it is.")),
        (
            "Set-Cookie",
            text("The tokens and the CSRF token, where cookies carry them; on the end of a session, their removal."),
        ),
        ("Remote-User", text("The user's name; where they have none, their verified address.")),
        ("Remote-Email", text("The user's address, if it is verified.")),
        ("Remote-Groups", text("The user's roles, separated by commas.")),
        ("X-Auth-Sub", text("The user's id.")),
        ("X-Auth-Permissions", text("The permissions of the token, separated by spaces.")),
        ("ETag", text("Changes with the answer.")),
        ("Cache-Control", text("`public, max-age=300`.")),
    ]
}

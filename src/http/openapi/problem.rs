//! The error responses in the OpenAPI document. An operation has one response for each status. The response lists the codes
//! with this status that the operation can return, each with an example.

use rocket::http::Status;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        AllOfBuilder, ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, Type,
        example::{Example, ExampleBuilder},
    },
};

use super::{
    headers::{REQUEST_ID, header_ref},
    schemas::{FieldProblem, Problem},
};
use crate::http::errors::ErrorCode;

const EXAMPLE_REQUEST_ID: &str = "019a9c1e-5b7d-7c32-8f10-6a4be2d90c55";

/// Returns the schemas that error responses refer to, by name.
pub(super) fn schemas() -> [(String, RefOr<Schema>); 2] {
    [(Problem::name().into_owned(), Problem::schema()), (FieldProblem::name().into_owned(), FieldProblem::schema())]
}

/// Returns the error response with a status for the OpenAPI document. `codes` are the codes with this status that the operation
/// can return. The response lists them, each with an example.
pub(super) fn response(status: u16, codes: &[ErrorCode], content_type: &str) -> Response {
    let meanings = codes.iter().map(|code| format!("* `{}`: {}", code.as_str(), detail(*code)));
    let examples = codes.iter().map(|code| (code.key(), RefOr::<Example>::Ref(example_ref(*code))));
    let content = ContentBuilder::new().schema(Some(schema(status, codes))).examples_from_iter(examples).build();
    let response = ResponseBuilder::new()
        .description(format!("{}\n\n{}", title(status), meanings.collect::<Vec<_>>().join("\n")))
        .content(content_type, content)
        // For a client that prefers it, such as a browser.
        .content(
            "text/html",
            ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))).build(),
        );
    headers(status).iter().fold(response, |response, name| response.header_ref(*name, header_ref(name))).build()
}

/// Returns the schema [`Problem`], restricted to one status and to these codes.
fn schema(status: u16, codes: &[ErrorCode]) -> AllOfBuilder {
    let error =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.iter().map(|code| code.as_str())));
    let status = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status]));
    let narrowed = ObjectBuilder::new().schema_type(Type::Object).property("error", error).property("status", status);
    AllOfBuilder::new().item(Ref::from_schema_name(Problem::name())).item(narrowed)
}

/// Returns the names of the headers that an error response with a status has.
fn headers(status: u16) -> &'static [&'static str] {
    match status {
        401 => &[REQUEST_ID, "WWW-Authenticate"],
        405 => &[REQUEST_ID, "Allow"],
        429 | 503 => &[REQUEST_ID, "Retry-After"],
        _ => &[REQUEST_ID],
    }
}

/// Returns an example of the error body with this code.
pub(super) fn example(code: ErrorCode) -> Example {
    ExampleBuilder::new().summary(detail(code)).value(Some(body(code))).build()
}

fn example_ref(code: ErrorCode) -> Ref {
    Ref::new(format!("#/components/examples/{}", code.key()))
}

/// Returns an error body with this code.
fn body(code: ErrorCode) -> Value {
    let mut body = json!({
        "error": code.as_str(),
        "error_description": detail(code),
        "detail": detail(code),
        "title": title(code.status()),
        "status": code.status(),
        "request_id": EXAMPLE_REQUEST_ID,
    });
    match code {
        ErrorCode::InvalidRequest => body["errors"] = json!([{"field": "password", "message": "is required"}]),
        ErrorCode::OAuthInvalidRequest => body["errors"] = json!([{"field": "username", "message": "is required"}]),
        _ => {}
    }
    body
}

/// Returns the reason phrase of a status.
fn title(status: u16) -> &'static str {
    Status::new(status).reason().unwrap_or("Error")
}

/// Returns an example of the sentence that the server sends with a code. The sentence in a response may be more specific.
fn detail(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::MalformedJson => "The body is not JSON: the error is at line 1, column 14.",
        ErrorCode::MalformedRequest => "The request has more than one Authorization header.",
        ErrorCode::OAuthInvalidRequest => "The request has 1 bad field(s): username.",
        ErrorCode::InvalidGrant => "The user name or the password is wrong.",
        ErrorCode::UnauthorizedClient => "This client may not use this grant.",
        ErrorCode::UnsupportedGrantType => "The supported grants are password and refresh_token.",
        ErrorCode::InvalidTarget => "The resource is no audience of the client.",
        ErrorCode::InvalidScope => "The scope contains posts:write, which can't be granted.",
        ErrorCode::MayNotIntrospect => "The permission tokens:introspect is required.",
        ErrorCode::InsufficientScope => "The permission posts:write is required.",
        ErrorCode::InvalidCredentials => "The user name or the password is wrong.",
        ErrorCode::MissingToken => "No token was sent.",
        ErrorCode::InvalidToken => "The token is not valid.",
        ErrorCode::TokenExpired => "The token has expired.",
        ErrorCode::TokenRevoked => "The session has ended; sign in again.",
        ErrorCode::WrongTokenType => "A refresh token was sent where an access token is required, or the reverse.",
        ErrorCode::FreshTokenRequired => "A fresh access token is required; prove your password again first.",
        ErrorCode::DeviceMismatch => {
            "The session is bound to another device; send the fingerprint of the device on which it was opened."
        }
        ErrorCode::RefreshReused => {
            "This refresh token was replaced earlier and has been used again; the session was ended for safety. Sign in again."
        }
        ErrorCode::InvalidClient => "There is no such client.",
        ErrorCode::AccountDisabled => "The account is disabled.",
        ErrorCode::RegistrationClosed => "Registration is closed; only the operator of this server creates accounts.",
        ErrorCode::CsrfFailed => "Send the value of the CSRF cookie in the header X-CSRF-Token.",
        ErrorCode::DeviceLimitReached => "3 devices are signed in, which is the limit; sign out on one of them first.",
        ErrorCode::NotFound => "You have no such session.",
        ErrorCode::MethodNotAllowed => "This path accepts OPTIONS, POST.",
        ErrorCode::AlreadyExists => "The username is taken.",
        ErrorCode::LastAdmin => "This is the last admin; give the role admin to another user first.",
        ErrorCode::ConfiguredInFile => "The client web is set in the configuration; change it there.",
        ErrorCode::PayloadTooLarge => "The body is larger than 64 KiB.",
        ErrorCode::TargetTooLong => "The URL is too long.",
        ErrorCode::HeadersTooLarge => "The headers have more than 32 KiB, or there are more than 100.",
        ErrorCode::UnsupportedMediaType => "Send the body as application/json.",
        ErrorCode::InvalidRequest => "The request has 1 bad field(s): password.",
        ErrorCode::TooManyRequests => "Too many attempts; try again in 60 s.",
        ErrorCode::InternalError => "Something went wrong on the server; nothing was changed.",
        ErrorCode::Overloaded => "Too many people are signing in at once; nothing was changed. Try again.",
        ErrorCode::StorageUnavailable => "The database does not respond; nothing was changed. Try again.",
    }
}

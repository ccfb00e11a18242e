//! Error answers: one response for each status, which lists the codes that it can have, each with an example.

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
    headers::{REQUEST_ID, header},
    schemas::{FieldProblem, Problem},
};
use crate::http::errors::Code;

const EXAMPLE_REQUEST_ID: &str = "019a9c1e-5b7d-7c32-8f10-6a4be2d90c55";

/// The schemas that error answers refer to.
pub(super) fn schemas() -> [(String, RefOr<Schema>); 2] {
    [(Problem::name().into_owned(), Problem::schema()), (FieldProblem::name().into_owned(), FieldProblem::schema())]
}

/// The answer with a status, for the codes of that status that are possible where it stands.
pub(super) fn response(status: u16, codes: &[Code], content_type: &str) -> Response {
    let meanings = codes.iter().map(|code| format!("* `{}`: {}", code.as_str(), detail(*code)));
    let examples = codes.iter().map(|code| (code.key(), RefOr::<Example>::Ref(example_ref(*code))));
    let content = ContentBuilder::new().schema(Some(schema(status, codes))).examples_from_iter(examples).build();
    let response = ResponseBuilder::new()
        .description(format!("{}\n\n{}", title(status), meanings.collect::<Vec<_>>().join("\n")))
        .content(content_type, content);
    headers(status).iter().fold(response, |response, name| response.header_ref(*name, header(name))).build()
}

/// [`Problem`], narrowed to what a status can say.
fn schema(status: u16, codes: &[Code]) -> AllOfBuilder {
    let error =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.iter().map(|code| code.as_str())));
    let status = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status]));
    let narrowed = ObjectBuilder::new().schema_type(Type::Object).property("error", error).property("status", status);
    AllOfBuilder::new().item(Ref::from_schema_name(Problem::name())).item(narrowed)
}

fn headers(status: u16) -> &'static [&'static str] {
    match status {
        401 => &[REQUEST_ID, "WWW-Authenticate"],
        405 => &[REQUEST_ID, "Allow"],
        429 | 503 => &[REQUEST_ID, "Retry-After"],
        _ => &[REQUEST_ID],
    }
}

/// An error body.
pub(super) fn example(code: Code) -> Example {
    ExampleBuilder::new().summary(detail(code)).value(Some(body(code))).build()
}

fn example_ref(code: Code) -> Ref {
    Ref::new(format!("#/components/examples/{}", code.key()))
}

fn body(code: Code) -> Value {
    let mut body = json!({
        "error": code.as_str(),
        "error_description": detail(code),
        "detail": detail(code),
        "title": title(code.status()),
        "status": code.status(),
        "request_id": EXAMPLE_REQUEST_ID,
    });
    match code {
        Code::InvalidRequest => body["errors"] = json!([{"field": "password", "message": "is required"}]),
        Code::OAuthInvalidRequest => body["errors"] = json!([{"field": "username", "message": "is required"}]),
        _ => {}
    }
    body
}

fn title(status: u16) -> &'static str {
    Status::new(status).reason().unwrap_or("Error")
}

/// What a code means, in words that do for a person too. What the server really says may be more exact.
fn detail(code: Code) -> &'static str {
    match code {
        Code::MalformedJson => "The body is not JSON: the error is at line 1, column 14.",
        Code::MalformedRequest => "The request has more than one Authorization header.",
        Code::OAuthInvalidRequest => "The request has 1 bad field(s): username.",
        Code::InvalidGrant => "The user name or the password is wrong.",
        Code::UnauthorizedClient => "This client may not use this grant.",
        Code::UnsupportedGrantType => "The grants are password and refresh_token.",
        Code::InvalidScope => "The scope asks for posts:write, which can't be granted.",
        Code::MayNotIntrospect => "Asking about tokens needs tokens:introspect.",
        Code::InsufficientScope => "This needs the permission posts:write.",
        Code::InvalidCredentials => "The user name or the password is wrong.",
        Code::MissingToken => "No token was sent.",
        Code::InvalidToken => "The token is not valid.",
        Code::TokenExpired => "The token has expired.",
        Code::TokenRevoked => "The session is over; sign in again.",
        Code::WrongTokenType => "A refresh token in place of an access token, or the other way round.",
        Code::FreshTokenRequired => "Prove your password again first.",
        Code::DeviceMismatch => {
            "The session is bound to another device; send the fingerprint of the device it was opened on."
        }
        Code::RefreshReused => {
            "This refresh token was replaced and has come back; the session is ended for safety. Sign in again."
        }
        Code::InvalidClient => "There is no such client.",
        Code::AccountDisabled => "The account is disabled.",
        Code::RegistrationClosed => "Accounts are made by the operator of this server.",
        Code::CsrfFailed => "Send the value of the CSRF cookie in the header X-CSRF-Token.",
        Code::DeviceLimitReached => "3 devices are signed in, which is the limit; sign out on one of them first.",
        Code::NotFound => "You have no such session.",
        Code::MethodNotAllowed => "This path takes OPTIONS, POST.",
        Code::AlreadyExists => "The username is taken.",
        Code::LastAdmin => "You are the last admin; give somebody else the role admin first.",
        Code::PayloadTooLarge => "The body is over 64 KiB.",
        Code::UnsupportedMediaType => "Send the body as application/json.",
        Code::InvalidRequest => "The request has 1 bad field(s): password.",
        Code::TooManyRequests => "Too many attempts; try again in 60 s.",
        Code::InternalError => "Something went wrong on the server; nothing was changed.",
        Code::Overloaded => "Too many people are signing in at once; nothing was changed. Try again.",
        Code::StorageUnavailable => "The database does not answer; nothing was changed. Try again.",
    }
}

//! The common error body (RFC 9457), and the closed list of error codes with their statuses. `of_flows` maps the errors of
//! flows to codes. `error_response` chooses the form in which an error is rendered.

mod guard_error;
pub(in crate::http) mod of_admin;
mod of_flows;
pub mod of_oauth;
mod reason;
#[cfg(test)]
mod tests;

use std::{fmt, io::Cursor};

use rocket::{
    Response,
    http::{ContentType, Header, Status},
};
use serde_json::json;

pub(in crate::http) use self::guard_error::{fail_data_guard, guard_outcome, kept_error};
pub(in crate::http) use self::reason::Reason;
use crate::{domain::device::Comparison, memory::throttle::RetryAfter};

/// Seconds after which a client may try again if the server was busy or its database did not respond.
pub(in crate::http) const BUSY_RETRY_AFTER: u64 = 2;

/// The value of `WWW-Authenticate` that requires an access token.
const BEARER: &str = r#"Bearer realm="vestibule""#;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:literal $code:literal,)*) => {
        /// The stable code of an error. The text of an error may change; its code does not change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the statuses.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the value of the field `error` of the body.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Returns a unique name of the code. Two codes with different statuses can share one value of `error`, but not the
            /// name.
            pub const fn key(self) -> &'static str {
                match self {
                    Self::OAuthInvalidRequest => "oauth_invalid_request",
                    Self::MayNotIntrospect => "may_not_introspect",
                    _ => self.as_str(),
                }
            }

            /// Returns the HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    MalformedJson = 400 "malformed_json",
    /// The request line, a header or the body can't be read.
    MalformedRequest = 400 "malformed_request",
    /// OAuth endpoints: a parameter is missing, repeated or invalid.
    OAuthInvalidRequest = 400 "invalid_request",
    /// OAuth endpoints: the password or the refresh token is refused.
    InvalidGrant = 400 "invalid_grant",
    /// OAuth endpoints: the client may not use this grant.
    UnauthorizedClient = 400 "unauthorized_client",
    /// OAuth endpoints: the server does not support the grant.
    UnsupportedGrantType = 400 "unsupported_grant_type",
    /// OAuth endpoints: the scope is malformed, or contains a permission that can't be granted.
    InvalidScope = 400 "invalid_scope",
    /// OAuth endpoints: the resource is no audience of the client (RFC 8707 §2).
    InvalidTarget = 400 "invalid_target",
    /// The user is unknown, or the password is wrong. The response does not tell which of them.
    InvalidCredentials = 401 "invalid_credentials",
    /// No token was sent.
    MissingToken = 401 "missing_token",
    /// This server did not issue the token, or the token was altered.
    InvalidToken = 401 "invalid_token",
    /// The token has expired.
    TokenExpired = 401 "token_expired",
    /// The token or its session was revoked, or the user was disabled or deleted.
    TokenRevoked = 401 "token_revoked",
    /// The request has an access token instead of a refresh token, or a refresh token instead of an access token.
    WrongTokenType = 401 "wrong_token_type",
    /// The user must prove the password again.
    FreshTokenRequired = 401 "fresh_token_required",
    /// The session is bound to another device.
    DeviceMismatch = 401 "device_mismatch",
    /// A rotated refresh token was used again; its session is revoked.
    RefreshReused = 401 "refresh_reused",
    /// The client is unknown, or its secret is wrong.
    InvalidClient = 401 "invalid_client",
    /// The bearer may not introspect tokens (RFC 7662 §2.1 requires the status 401).
    MayNotIntrospect = 401 "insufficient_scope",
    /// A permission or a role is missing.
    InsufficientScope = 403 "insufficient_scope",
    /// The account is disabled.
    AccountDisabled = 403 "account_disabled",
    /// Only the operator creates accounts.
    RegistrationClosed = 403 "registration_closed",
    /// The CSRF check failed: the request may come from a foreign page.
    CsrfFailed = 403 "csrf_failed",
    /// The user is signed in on the maximum number of devices.
    DeviceLimitReached = 403 "device_limit_reached",
    /// Nothing is at this path, or the object that the request names does not exist.
    NotFound = 404 "not_found",
    /// The path does not support this method.
    MethodNotAllowed = 405 "method_not_allowed",
    /// The username or the email address is taken.
    AlreadyExists = 409 "already_exists",
    /// The account is the last admin, so nobody else could administer the server.
    LastAdmin = 409 "last_admin",
    /// The client, or the key that signs, is set in the configuration. It can be changed only there.
    ConfiguredInFile = 409 "configured_in_file",
    /// The body is over 64 KiB.
    PayloadTooLarge = 413 "payload_too_large",
    /// The target of the request line is too long.
    TargetTooLong = 414 "uri_too_long",
    /// The endpoint does not read bodies of this media type.
    UnsupportedMediaType = 415 "unsupported_media_type",
    /// A field is missing, of the wrong type or out of bounds.
    InvalidRequest = 422 "invalid_request",
    /// A rate limit was reached.
    TooManyRequests = 429 "too_many_requests",
    /// The headers are too long, or there are too many.
    HeadersTooLarge = 431 "headers_too_large",
    /// The server failed unexpectedly.
    InternalError = 500 "internal_error",
    /// The queue of passwords to hash is full.
    Overloaded = 503 "overloaded",
    /// The database did not respond.
    StorageUnavailable = 503 "storage_unavailable",
}

/// An invalid field of a body.
#[derive(Clone, Debug)]
pub struct FieldError {
    /// The name of the field.
    pub field: String,
    /// The condition that the value violates, as the end of a sentence: "is required".
    pub message: String,
}

/// An error as the client receives it.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ErrorCode,
    detail: String,
    fields: Vec<FieldError>,
    /// Seconds after which the client may try again.
    retry_after: Option<u64>,
    /// The value of the header `Allow`.
    allow: Option<Box<str>>,
    /// The value of the header `WWW-Authenticate`, if it does not follow from the code.
    challenge: Option<String>,
    /// The reason for which a token that this server signed is refused.
    reason: Option<Reason>,
    /// What the comparison of a fingerprint found, in the profile `dev`.
    compared: Option<Box<Comparison>>,
    /// Whether the content coding of the body is refused.
    refuses_coding: bool,
}

impl ApiError {
    /// Creates an error from a code and a sentence for a person.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            allow: None,
            challenge: None,
            reason: None,
            compared: None,
            refuses_coding: false,
        }
    }

    /// Creates the error for a body with a content coding (RFC 9110 §15.5.16).
    pub(in crate::http) fn content_coding(coding: &str) -> Self {
        let detail = format!("Send the body without the content coding {coding}.");
        Self { refuses_coding: true, ..Self::new(ErrorCode::UnsupportedMediaType, detail) }
    }

    /// Adds the reason for which a token that this server signed is refused.
    pub(in crate::http) fn with_reason(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Adds what the comparison of a fingerprint found.
    pub(in crate::http) fn with_comparison(self, compared: Option<Comparison>) -> Self {
        Self { compared: compared.map(Box::new), ..self }
    }

    /// Returns whether the error needs a reason that only the session of the token can give.
    pub(in crate::http) fn lacks_reason(&self) -> bool {
        self.reason.is_none() && matches!(self.code, ErrorCode::TokenExpired | ErrorCode::TokenRevoked)
    }

    /// Creates the error that lists every invalid field.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
        let detail = format!("The request has {} bad field(s): {}.", fields.len(), names.join(", "));
        Self { fields, ..Self::new(ErrorCode::InvalidRequest, detail) }
    }

    /// Creates the error for one invalid field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// Creates the error for a method that the path does not support. `allow` lists the supported methods.
    pub fn method_not_allowed(allow: &str) -> Self {
        Self {
            allow: Some(allow.into()),
            ..Self::new(ErrorCode::MethodNotAllowed, format!("This path accepts {allow}."))
        }
    }

    /// Creates the error for a request that needs an access token and has no token.
    pub fn missing_token() -> Self {
        Self::new(ErrorCode::MissingToken, "Send an access token: Authorization: Bearer <token>.")
    }

    /// Creates the error for a token that does not carry a permission (RFC 6750 §3.1).
    pub fn insufficient_scope(permission: &str) -> Self {
        let challenge = format!(r#"{BEARER}, error="insufficient_scope", scope="{permission}""#);
        let detail = format!("The permission {permission} is required.");
        Self { challenge: Some(challenge), ..Self::new(ErrorCode::InsufficientScope, detail) }
    }

    /// Creates the error for a caller without something that no scope can grant, such as a role.
    pub fn insufficient(detail: &str) -> Self {
        let challenge = format!(r#"{BEARER}, error="insufficient_scope""#);
        Self { challenge: Some(challenge), ..Self::new(ErrorCode::InsufficientScope, detail) }
    }

    /// Replaces the sentence for a person.
    pub(super) fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// Replaces the code and keeps everything else.
    pub(super) fn with_code(self, code: ErrorCode) -> Self {
        Self { code, ..self }
    }

    /// Creates the error for a bearer without the permission to introspect tokens.
    pub fn may_not_introspect(permission: &str) -> Self {
        Self::insufficient_scope(permission).with_code(ErrorCode::MayNotIntrospect)
    }

    /// Sets the challenge for a client that failed to authenticate by HTTP Basic (RFC 6749 §5.2).
    #[must_use]
    pub fn challenging_basic(self) -> Self {
        Self { challenge: Some(r#"Basic realm="vestibule""#.to_owned()), ..self }
    }

    /// Replaces a code for an invalid request by the code of RFC 6749 §5.2. Other codes are kept.
    pub(in crate::http) fn with_oauth_code(self) -> Self {
        match self.code {
            ErrorCode::InvalidRequest | ErrorCode::MalformedRequest | ErrorCode::MalformedJson => {
                Self { code: ErrorCode::OAuthInvalidRequest, ..self }
            }
            _ => self,
        }
    }

    /// Returns the HTTP status of the response.
    pub fn status(&self) -> Status {
        Status::new(self.code.status())
    }

    /// Returns the code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the sentence for a person.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the invalid fields. The list is empty for an error that is not about fields.
    pub fn bad_fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// Returns the seconds after which the client may try again; `None` if the error has no such time.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// Returns the value of the header `Allow`: the methods that the path supports. `None` if the error is not about a method.
    pub fn allow(&self) -> Option<&str> {
        self.allow.as_deref()
    }

    /// Creates an error that will pass: the client may try again after `seconds`.
    pub(in crate::http) fn busy(code: ErrorCode, detail: &str, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(code, detail) }
    }

    /// Creates the error for a rate limit that was reached.
    pub(super) fn too_many(wait: RetryAfter) -> Self {
        let text = format!("Too many attempts; try again in {} s.", wait.seconds());
        Self::busy(ErrorCode::TooManyRequests, &text, wait.seconds())
    }

    /// Writes an unexpected error to the log, and creates the error that the client receives instead.
    pub(in crate::http) fn internal(error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, "internal error");
        Self::new(ErrorCode::InternalError, "Something went wrong on the server; nothing was changed.")
    }

    /// Returns the value of the header `WWW-Authenticate`. Every 401 has one, and every 403 for a missing permission or role
    /// (RFC 6750 §3). `None` for other errors.
    pub(in crate::http) fn challenge(&self) -> Option<String> {
        if self.challenge.is_some() {
            return self.challenge.clone();
        }
        let with = |error: &str| {
            format!(r#"{BEARER}, error="{error}", error_description="{}""#, self.detail.replace('"', "'"))
        };
        match self.code {
            ErrorCode::InvalidToken
            | ErrorCode::TokenExpired
            | ErrorCode::TokenRevoked
            | ErrorCode::WrongTokenType
            | ErrorCode::DeviceMismatch
            | ErrorCode::RefreshReused => Some(with("invalid_token")),
            // The error of RFC 9470 §3 for a token whose authentication is too old.
            ErrorCode::FreshTokenRequired => Some(with("insufficient_user_authentication")),
            code if code.status() == 401 => Some(BEARER.to_owned()),
            _ => None,
        }
    }
}

impl ApiError {
    /// Returns the error body (RFC 9457). `id` is the id of the request.
    pub(in crate::http) fn body(&self, id: &str) -> String {
        let status = self.status();
        let mut body = json!({
            "error": self.code.as_str(),
            "error_description": self.detail,
            "detail": self.detail,
            "title": status.reason().unwrap_or("Error"),
            "status": status.code,
            "request_id": id,
        });
        if let Some(reason) = self.reason {
            body["reason"] = reason.as_str().into();
        }
        if let Some(Comparison { score, differed }) = self.compared.as_deref() {
            body["fingerprint"] = json!({"score": score, "differed": differed});
        }
        if !self.fields.is_empty() {
            let errors = self.fields.iter().map(|field| json!({"field": field.field, "message": field.message}));
            body["errors"] = errors.collect();
        }
        body.to_string()
    }

    /// Renders the error body as `application/<subtype>`. `id` is the id of the request.
    pub(in crate::http) fn render(&self, id: &str, subtype: &'static str) -> Response<'static> {
        let (status, body) = (self.status(), self.body(id));
        let mut response = Response::build();
        response
            .status(status)
            .header(ContentType::new("application", subtype))
            // The fairing sets it too, but Rocket runs no fairing for a request with an unknown method.
            .header(Header::new("X-Request-Id", id.to_owned()))
            .header(Header::new("Cache-Control", "no-store"))
            .sized_body(body.len(), Cursor::new(body));
        let optional = [
            ("WWW-Authenticate", self.challenge()),
            ("Retry-After", self.retry_after.map(|seconds| seconds.to_string())),
            ("Allow", self.allow.as_deref().map(str::to_owned)),
            ("Accept-Encoding", self.refuses_coding.then(|| "identity".to_owned())),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                response.header(Header::new(name, value));
            }
        }
        response.finalize()
    }
}

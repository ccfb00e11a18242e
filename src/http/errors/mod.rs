//! The one error body (RFC 9457), and a closed list of codes with their statuses. Which of them the error of a flow gets stands in
//! `of_flows`; how a request is answered with one, in `answer`.

mod guard_error;
mod of_flows;
pub mod of_oauth;
mod reason;

use std::{fmt, io::Cursor};

use rocket::{
    Response,
    http::{ContentType, Header, Status},
};
use serde_json::json;

pub(in crate::http) use self::guard_error::{fail_data_guard, guard_outcome, kept_error};
use self::reason::Reason;
use crate::memory::throttle::RetryAfter;

/// Seconds after which a client may try again when the server was busy or its database did not answer.
pub(in crate::http) const BUSY_RETRY_AFTER: u64 = 2;

/// The challenge to show an access token.
const BEARER: &str = r#"Bearer realm="vestibule""#;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:literal $code:literal,)*) => {
        /// The stable code of an error. Text may change, codes may not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The `error` of the body.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Its own name, where two codes of different statuses share one `error`.
            pub const fn key(self) -> &'static str {
                match self {
                    Self::OAuthInvalidRequest => "oauth_invalid_request",
                    Self::MayNotIntrospect => "may_not_introspect",
                    _ => self.as_str(),
                }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    MalformedJson = 400 "malformed_json",
    /// A header or the request line can't be read.
    MalformedRequest = 400 "malformed_request",
    /// OAuth endpoints: a parameter is missing, given twice or not what it must be.
    OAuthInvalidRequest = 400 "invalid_request",
    /// OAuth endpoints: a wrong password, or a refresh token that gets nothing.
    InvalidGrant = 400 "invalid_grant",
    /// OAuth endpoints: the client may not use this grant.
    UnauthorizedClient = 400 "unauthorized_client",
    /// OAuth endpoints: the grant is none of this server's.
    UnsupportedGrantType = 400 "unsupported_grant_type",
    /// OAuth endpoints: the scope asks for more than can be granted.
    InvalidScope = 400 "invalid_scope",
    /// Unknown user or wrong password.
    InvalidCredentials = 401 "invalid_credentials",
    /// No token was sent.
    MissingToken = 401 "missing_token",
    /// The token is not one of ours.
    InvalidToken = 401 "invalid_token",
    /// The token's time is over.
    TokenExpired = 401 "token_expired",
    /// The token, its session or its user was ended.
    TokenRevoked = 401 "token_revoked",
    /// An access token where a refresh token belongs, or the other way round.
    WrongTokenType = 401 "wrong_token_type",
    /// The password must be proved again.
    FreshTokenRequired = 401 "fresh_token_required",
    /// The session is bound to another device.
    DeviceMismatch = 401 "device_mismatch",
    /// An old refresh token came back; its session is revoked.
    RefreshReused = 401 "refresh_reused",
    /// Unknown client, or a wrong client secret.
    InvalidClient = 401 "invalid_client",
    /// The bearer may not introspect (RFC 7662 §2.1 makes this a 401).
    MayNotIntrospect = 401 "insufficient_scope",
    /// A permission or a role is missing.
    InsufficientScope = 403 "insufficient_scope",
    /// The account may not sign in.
    AccountDisabled = 403 "account_disabled",
    /// Accounts are made by the operator.
    RegistrationClosed = 403 "registration_closed",
    /// The request may come from a foreign page.
    CsrfFailed = 403 "csrf_failed",
    /// The limit of devices is reached.
    DeviceLimitReached = 403 "device_limit_reached",
    /// Nothing is here.
    NotFound = 404 "not_found",
    /// Something is here, but not for this method.
    MethodNotAllowed = 405 "method_not_allowed",
    /// The name is taken.
    AlreadyExists = 409 "already_exists",
    /// Nobody else could administer the server.
    LastAdmin = 409 "last_admin",
    /// The body is over 64 KiB.
    PayloadTooLarge = 413 "payload_too_large",
    /// The body is not of a type that is read here.
    UnsupportedMediaType = 415 "unsupported_media_type",
    /// A field is missing, of the wrong type or out of bounds.
    InvalidRequest = 422 "invalid_request",
    /// A limit was reached.
    TooManyRequests = 429 "too_many_requests",
    /// Something broke that should not.
    InternalError = 500 "internal_error",
    /// More passwords are being hashed than the queue holds.
    Overloaded = 503 "overloaded",
    /// The database did not answer.
    StorageUnavailable = 503 "storage_unavailable",
}

/// One bad field of a body.
#[derive(Clone, Debug)]
pub struct FieldError {
    /// Its name.
    pub field: String,
    /// What it must be.
    pub message: String,
}

/// What a client is told.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ErrorCode,
    detail: String,
    fields: Vec<FieldError>,
    retry_after: Option<u64>,
    allow: Option<String>,
    /// A `WWW-Authenticate` that does not follow from the code.
    challenge: Option<String>,
    /// Why a token that this server signed is refused.
    reason: Option<Reason>,
}

impl ApiError {
    /// A code with a sentence for a person.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            allow: None,
            challenge: None,
            reason: None,
        }
    }

    /// The same, saying why a token that this server signed is refused.
    pub(super) fn with_reason(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Every bad field at once.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
        let detail = format!("The request has {} bad field(s): {}.", fields.len(), names.join(", "));
        Self { fields, ..Self::new(ErrorCode::InvalidRequest, detail) }
    }

    /// One bad field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// The method that the path does not take, with those that it does.
    pub fn method_not_allowed(allow: &str) -> Self {
        Self {
            allow: Some(allow.to_owned()),
            ..Self::new(ErrorCode::MethodNotAllowed, format!("This path takes {allow}."))
        }
    }

    /// No token was sent where one is needed.
    pub fn missing_token() -> Self {
        Self::new(ErrorCode::MissingToken, "Send an access token: Authorization: Bearer <token>.")
    }

    /// A permission that the token does not carry (RFC 6750 §3.1).
    pub fn insufficient_scope(permission: &str) -> Self {
        Self::lacking(ErrorCode::InsufficientScope, permission, format!("This needs the permission {permission}."))
    }

    /// Something that the token does not carry, and that no scope would bring.
    pub fn insufficient(detail: &str) -> Self {
        let challenge = format!(r#"{BEARER}, error="insufficient_scope""#);
        Self { challenge: Some(challenge), ..Self::new(ErrorCode::InsufficientScope, detail) }
    }

    /// The same sentence with another code.
    pub(super) fn with_code(self, code: ErrorCode) -> Self {
        Self { code, ..self }
    }

    /// The same at the introspection endpoint.
    pub fn may_not_introspect(permission: &str) -> Self {
        Self::lacking(ErrorCode::MayNotIntrospect, permission, format!("Asking about tokens needs {permission}."))
    }

    fn lacking(code: ErrorCode, permission: &str, detail: String) -> Self {
        let challenge = format!(r#"{BEARER}, error="insufficient_scope", scope="{permission}""#);
        Self { challenge: Some(challenge), ..Self::new(code, detail) }
    }

    /// Challenges a client that tried HTTP Basic to do so rightly (RFC 6749 §5.2).
    #[must_use]
    pub fn challenging_basic(self) -> Self {
        Self { challenge: Some(r#"Basic realm="vestibule""#.to_owned()), ..self }
    }

    /// The same with the codes of RFC 6749 §5.2 where they have a word for it.
    pub(in crate::http) fn with_oauth_code(self) -> Self {
        match self.code {
            ErrorCode::InvalidRequest | ErrorCode::MalformedRequest | ErrorCode::MalformedJson => {
                Self { code: ErrorCode::OAuthInvalidRequest, ..self }
            }
            _ => self,
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> Status {
        Status::new(self.code.status())
    }

    /// Its code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What is wrong with each bad field.
    pub fn bad_fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// Seconds after which to try again.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The methods that the path takes.
    pub fn allow(&self) -> Option<&str> {
        self.allow.as_deref()
    }

    pub(in crate::http) fn busy(code: ErrorCode, detail: &str, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(code, detail) }
    }

    /// A limit was reached.
    pub(super) fn too_many(wait: RetryAfter) -> Self {
        let seconds = wait.seconds();
        Self::busy(ErrorCode::TooManyRequests, &format!("Too many attempts; try again in {seconds} s."), seconds)
    }

    fn internal(error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, "internal error");
        Self::new(ErrorCode::InternalError, "Something went wrong on the server; nothing was changed.")
    }

    /// `WWW-Authenticate` of a 401, and of what a permission is missing for (RFC 6750 §3).
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
            // RFC 9470 §3
            ErrorCode::FreshTokenRequired => Some(with("insufficient_user_authentication")),
            code if code.status() == 401 => Some(BEARER.to_owned()),
            _ => None,
        }
    }
}

impl ApiError {
    /// The one error body, as `application/<subtype>`, for the request with an id.
    pub(in crate::http) fn render(&self, id: &str, subtype: &'static str) -> Response<'static> {
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
        if !self.fields.is_empty() {
            let errors = self.fields.iter().map(|field| json!({"field": field.field, "message": field.message}));
            body["errors"] = errors.collect();
        }
        let body = body.to_string();
        let mut response = Response::build();
        response
            .status(status)
            .header(ContentType::new("application", subtype))
            // Here as well as in the fairing: a request with an unknown method passes none.
            .header(Header::new("X-Request-Id", id.to_owned()))
            .header(Header::new("Cache-Control", "no-store"))
            .sized_body(body.len(), Cursor::new(body));
        let optional = [
            ("WWW-Authenticate", self.challenge()),
            ("Retry-After", self.retry_after.map(|seconds| seconds.to_string())),
            ("Allow", self.allow.clone()),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                response.header(Header::new(name, value));
            }
        }
        response.finalize()
    }
}

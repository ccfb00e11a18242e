//! The refusal of a request whose head can't be used. `http::server` refuses such a request before it is routed.

use rocket::Request;

use crate::http::errors::ErrorCode;

/// The reason for which a request is refused before it is routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request line or a header can't be read.
    Malformed,
    /// The request has more than one host.
    TwoHosts,
    /// The target of the request line is too long.
    TargetTooLong,
    /// The headers are too long, or there are too many.
    HeadersTooLarge,
    /// More requests are being handled than there may be connections.
    TooManyRequests,
    /// The body for a route of the application did not arrive in time, or the connection ended before.
    BodyTimeout,
    /// The body for a route of the application is too large.
    BodyTooLarge,
}

impl Refusal {
    /// Returns the error code and the text of the response.
    pub const fn error(self) -> (ErrorCode, &'static str) {
        match self {
            Self::Malformed => (ErrorCode::MalformedRequest, "The request line or a header can't be read."),
            Self::TwoHosts => (ErrorCode::MalformedRequest, "The request names more than one host."),
            Self::TargetTooLong => (ErrorCode::TargetTooLong, "The URL is too long."),
            Self::HeadersTooLarge => {
                (ErrorCode::HeadersTooLarge, "The headers have more than 32 KiB, or there are more than 100.")
            }
            Self::TooManyRequests => (ErrorCode::Overloaded, "The server handles too many requests; try again."),
            Self::BodyTimeout => (ErrorCode::MalformedRequest, "The body did not arrive as a whole."),
            Self::BodyTooLarge => (ErrorCode::PayloadTooLarge, "The body is larger than 8 MiB."),
        }
    }

    /// Returns the refusal of a request; `None` if it is not refused.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        *request.local_cache(|| None)
    }

    /// Records the refusal, before the request is routed.
    pub fn record(self, request: &Request<'_>) {
        request.local_cache(|| Some(self));
    }
}

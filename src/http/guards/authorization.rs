//! The header `Authorization`, before its token is verified.

use rocket::Request;

use crate::{
    domain::jwt,
    flows::Vestibule,
    http::errors::{ApiError, ErrorCode},
};

/// Returns the bearer token of the header, unverified. `None` if the header has no bearer token, or if the setting
/// `token_location` does not contain `headers`.
pub(in crate::http) fn in_header<'r>(
    request: &'r Request<'_>,
    vestibule: &Vestibule,
) -> Result<Option<&'r str>, ApiError> {
    if vestibule.config.tokens.location.headers { bearer(request) } else { Ok(None) }
}

/// Returns the token. Fails with [`ErrorCode::MalformedRequest`] if it is longer than [`jwt::MAX_BYTES`].
pub(super) fn bounded(token: &str) -> Result<&str, ApiError> {
    if token.len() > jwt::MAX_BYTES {
        Err(ApiError::new(ErrorCode::MalformedRequest, "The token has more than 8 KiB."))
    } else {
        Ok(token)
    }
}

/// Returns the token of `Authorization: Bearer …` (RFC 6750 §2.1), unverified. The scheme is compared without regard to case
/// (RFC 9110 §11.1). `None` if the header is absent, has another scheme or has no token. Fails if the token is too long or the
/// header is repeated.
pub(in crate::http) fn bearer<'r>(request: &'r Request<'_>) -> Result<Option<&'r str>, ApiError> {
    let header = authorization(request)?;
    let token = header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    token.filter(|token| !token.is_empty()).map(bounded).transpose()
}

/// Returns scheme and credentials of the header `Authorization`. `None` if the header is absent or has only one word. Fails
/// with [`ErrorCode::MalformedRequest`] if the header is repeated.
pub(in crate::http) fn authorization<'r>(request: &'r Request<'_>) -> Result<Option<(&'r str, &'r str)>, ApiError> {
    let mut values = request.headers().get("Authorization");
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(ApiError::new(ErrorCode::MalformedRequest, "The request has more than one Authorization header."));
    }
    let scheme_and_rest = first.and_then(|value| value.trim().split_once(' '));
    Ok(scheme_and_rest.map(|(scheme, rest)| (scheme, rest.trim())))
}

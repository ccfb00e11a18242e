//! The CSRF token of the forms for sign-in and registration. These forms are sent before there is a session, so the CSRF token
//! of a session can't protect them.
//!
//! A page of this server sets a cookie with a secret, and the form contains a keyed hash of the secret. A page of another
//! origin knows no matching pair, so it can't post the form.

use crate::{
    domain::jwt::base64url,
    flows::Vestibule,
    http::{
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode},
    },
    random,
};

/// The length of the cookie's value, in characters: 128 bits in base64url.
const CHARS: usize = 22;

/// Returns the token for a form in this browser. Sets the form cookie if the browser has no well-formed form cookie. An
/// existing cookie is kept, so that the forms in other tabs stay valid.
pub fn issue(cookies: Cookies<'_>, vestibule: &Vestibule) -> String {
    let known = cookies.form_secrets().into_iter().find(|secret| is_well_formed(secret));
    let secret = known.map_or_else(
        || {
            let secret = base64url(&random::bytes::<16>());
            cookies.set_form_secret(secret.clone());
            secret
        },
        str::to_owned,
    );
    vestibule.form_token(&secret)
}

/// Checks that a page of this server posted the form. Fails with [`ErrorCode::CsrfFailed`] if `posted` belongs to none of the
/// browser's form cookies, or if the headers name a foreign origin.
pub fn check(
    origin: &csrf::RequestOrigin<'_>,
    cookies: Cookies<'_>,
    vestibule: &Vestibule,
    posted: &str,
) -> Result<(), ApiError> {
    let mut secrets = cookies.form_secrets().into_iter().filter(|secret| is_well_formed(secret));
    let is_own = secrets.any(|secret| vestibule.is_form_token(secret, posted));
    if is_own && !origin.is_foreign() {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::CsrfFailed, "The form is not one of this browser's."))
    }
}

/// Returns whether a text has the length and the alphabet of a secret.
fn is_well_formed(secret: &str) -> bool {
    secret.len() == CHARS && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

//! The CSRF token of the sign-in and registration forms, which are sent before there is a session. The form has a keyed hash of
//! a cookie that only a page of this server sets, so a page of another origin can't post the form. Once there is a session, its
//! CSRF token has this purpose.

use crate::{
    domain::jwt::base64url,
    flows::Vestibule,
    http::{
        browser::{cookies::Cookies, csrf},
        errors::{ApiError, ErrorCode},
    },
    random,
};

/// Characters of the cookie's value: 128 bits in base64url.
const CHARS: usize = 22;

/// Returns the token for a form in this browser. Sets the cookie if it is absent. An existing cookie is kept, so that the forms
/// in other tabs stay valid.
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

/// Checks that a page of another origin did not post the form. Fails with [`ErrorCode::CsrfFailed`] if `given` is not the token
/// of the cookie, or if the headers name another origin.
pub fn check(
    origin: &csrf::RequestOrigin<'_>,
    cookies: Cookies<'_>,
    vestibule: &Vestibule,
    given: &str,
) -> Result<(), ApiError> {
    let mut secrets = cookies.form_secrets().into_iter().filter(|secret| is_well_formed(secret));
    let is_ours = secrets.any(|secret| vestibule.is_form_token(secret, given));
    if is_ours && !origin.is_foreign() {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::CsrfFailed, "The form is not one of this browser's."))
    }
}

fn is_well_formed(secret: &str) -> bool {
    secret.len() == CHARS && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

//! What keeps a foreign page from posting our login and registration forms: the form knows a keyed hash of a cookie that only
//! our own page has set. Afterwards, the session's CSRF token does the same.

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

/// The token for a form of this browser. The cookie is made where there is none, and kept where there is one, so that
/// several tabs work.
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

/// Refuses a form that a foreign page may have posted.
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

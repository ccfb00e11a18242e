//! The detection of redirect loops. A browser that is redirected to `next` and returns at once, again and again, does not keep
//! our cookies or does not send them to the other page. It then receives a page that explains this, not another redirect.

use sha2::{Digest, Sha256};

use crate::{domain::jwt::base64url, http::browser::cookies::Cookies};

/// How often a browser may return for the same target.
const MAX_RETURNS: u32 = 5;

/// Seconds without a return after which the count is forgotten.
const WINDOW: i64 = 10;

/// Counts a redirect to `next`. Returns whether the browser returned too often, so that it must not be redirected again.
pub fn is_loop(cookies: Cookies<'_>, next: &str) -> bool {
    let target = base64url(&Sha256::digest(next)[..6]);
    let before = cookies.redirect_counts().into_iter().filter_map(|value| value.rsplit_once('.'));
    let to_same = before.filter(|(known, _)| *known == target).filter_map(|(_, count)| count.parse::<u32>().ok());
    let count = to_same.max().unwrap_or(0).saturating_add(1);
    if count > MAX_RETURNS {
        return true;
    }
    cookies.set_redirect_count(format!("{target}.{count}"), WINDOW);
    false
}

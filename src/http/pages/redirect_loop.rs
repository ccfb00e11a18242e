//! A browser that is sent on and comes back at once, again and again, does not keep or show our cookies: then it is told so.
//! A loop would be all that the person saw.

use sha2::{Digest, Sha256};

use crate::{domain::jwt::base64url, http::browser::cookies::Cookies};

/// How often one may come back for the same page.
const MAX_RETURNS: u32 = 5;

/// Seconds without coming back after which it is forgotten.
const WINDOW: i64 = 10;

/// Counts that the browser is sent on to `next`. Returns whether it came back too often.
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

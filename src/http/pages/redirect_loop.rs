//! The detection of redirect loops. If a browser is redirected to `next` and returns at once, again and again, then it does not
//! keep our cookies or does not send them to the other page. It then receives a page that explains this, instead of another
//! redirect.

use sha2::{Digest, Sha256};

use crate::{domain::jwt::base64url, http::browser::cookies::Cookies};

/// The maximum number of redirects to the same target within [`WINDOW`] of each other.
const MAX_RETURNS: u32 = 5;

/// Seconds after the last redirect after which the browser forgets the count.
const WINDOW: i64 = 10;

/// Counts a redirect to `next`. Returns true if the browser must not be redirected again, because it was redirected to this
/// target too often.
pub fn is_loop(cookies: Cookies<'_>, next: &str) -> bool {
    // The cookie contains a short hash instead of the address, which can be long and private.
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

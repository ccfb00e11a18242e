//! A browser that is sent on and comes back at once, again and again, does not keep or show our cookies: then it is told so.
//! A loop would be all that the person saw.

use sha2::{Digest, Sha256};

use crate::{domain::jwt::base64url, http::browser::cookies::Cookies};

/// How often one may come back for the same page.
const MOST: u32 = 5;

/// Seconds without coming back after which it is forgotten.
const WITHIN: i64 = 10;

/// Counts that the browser is sent on to `next`. Returns whether it came back too often.
pub fn is_too_many(cookies: Cookies<'_>, next: &str) -> bool {
    let target = base64url(&Sha256::digest(next)[..6]);
    let before = cookies.hops().into_iter().filter_map(|value| value.rsplit_once('.'));
    let to_same = before.filter(|(known, _)| *known == target).filter_map(|(_, count)| count.parse::<u32>().ok());
    let count = to_same.max().unwrap_or(0).saturating_add(1);
    if count > MOST {
        return true;
    }
    cookies.set_hops(format!("{target}.{count}"), WITHIN);
    false
}

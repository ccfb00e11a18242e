//! What an unknown key was probably meant to be: a near spelling, or the name it had in a predecessor.

use super::schema::{KEYS, split_client};

/// Names of other systems whose spelling is far from ours.
const FORMER_NAMES: [(&str, &str); 17] = [
    ("base", "database_url"),
    ("get_session", "database_url"),
    ("secret", "secret_key"),
    ("authjwt_secret_key", "secret_key"),
    ("authjwt_algorithm", "algorithm"),
    ("authjwt_encode_issuer", "issuer"),
    ("authjwt_decode_audience", "audience"),
    ("authjwt_decode_leeway", "leeway"),
    ("authjwt_token_location", "token_location"),
    ("authjwt_cookie_secure", "cookie_secure"),
    ("authjwt_cookie_samesite", "cookie_samesite"),
    ("authjwt_cookie_domain", "cookie_domain"),
    ("authjwt_access_cookie_key", "access_cookie_name"),
    ("authjwt_refresh_cookie_key", "refresh_cookie_name"),
    ("lifetime_seconds", "access_token_lifetime"),
    ("expiration_seconds", "access_token_lifetime"),
    ("denylist_token_checks", "blacklist_strategy"),
];

/// The key that `unknown` was probably meant to be.
pub(super) fn suggest(unknown: &str) -> Option<String> {
    let former = FORMER_NAMES.iter().find(|(former, _)| *former == unknown);
    if let Some((_, ours)) = former {
        return Some((*ours).to_owned());
    }
    let client = split_client(unknown).map(|(id, _)| id);
    KEYS.iter()
        .filter(|key| key.name.contains("<id>") == client.is_some())
        .map(|key| key.name.replace("<id>", client.unwrap_or_default()))
        .filter_map(|name| Some((nearness(unknown, &name)?, name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How far `unknown` is from `name`, if near enough to be meant for it.
pub(super) fn nearness(unknown: &str, name: &str) -> Option<usize> {
    Some(distance(unknown, name)).filter(|distance| *distance <= 2 || *distance * 5 <= name.len())
}

/// How many letters to insert, remove or replace (Levenshtein), by bytes: keys are ASCII.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (place, letter) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = place + 1;
        for (column, other) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

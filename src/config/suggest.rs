//! The suggestion for an unknown key: a key with a similar name, or the key that has this name in another login system.

use super::schema::{self, Schema};

/// Names of settings in other login systems, each with the key of this program. Their spelling differs too much from the key
/// for [`nearness`].
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

/// Returns the key that the operator probably meant by `unknown`; `None` if no key is similar.
pub(super) fn suggest(schema: &Schema, unknown: &str) -> Option<String> {
    if let Some((_, own)) = FORMER_NAMES.iter().find(|(former, _)| *former == unknown) {
        return Some((*own).to_owned());
    }
    let table = schema::split_table(unknown).map(|(table, id, _)| (table, id));
    schema
        .keys()
        .filter(|key| schema::split_table(key.name).map(|(table, ..)| table) == table.map(|(table, _)| table))
        .map(|key| key.name.replace("<id>", table.map_or("", |(_, id)| id)))
        .filter_map(|name| Some((edit_distance(unknown, &name)?, name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Returns the edit distance of the two names in characters (Levenshtein). `None` if it is too large for a typing error: more
/// than 2, and more than a fifth of the length of `name`.
pub(super) fn edit_distance(unknown: &str, name: &str) -> Option<usize> {
    Some(strsim::levenshtein(unknown, name)).filter(|distance| *distance <= 2 || *distance * 5 <= name.len())
}

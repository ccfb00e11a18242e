//! The cursor of a list: the place after which the next page begins, as a text that a client sends back unchanged.

use crate::domain::jwt::{base64url, from_base64url};

/// The message for a cursor that this server did not create.
pub(super) const WRONG: &str = "must be a next_cursor of the same list";

/// Returns the cursor of a place. `kind` distinguishes the lists.
pub(in crate::http) fn encode(kind: char, place: &str) -> String {
    base64url(format!("{kind}{place}").as_bytes())
}

/// Returns the kind and the place of a cursor; `None` for a text that is no cursor.
pub(in crate::http) fn decode(cursor: &str) -> Option<(char, String)> {
    let text = String::from_utf8(from_base64url(cursor)?).ok()?;
    let kind = text.chars().next()?;
    Some((kind, text[kind.len_utf8()..].to_owned()))
}

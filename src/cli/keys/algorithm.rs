//! The parser of the argument that names an algorithm.

use crate::domain::jwt::Algorithm;

/// Reads the name of an algorithm, such as `ES256`. The error lists all names.
pub(super) fn algorithm(text: &str) -> Result<Algorithm, String> {
    text.parse().map_err(|()| format!("one of {}", Algorithm::WORDS.join(", ")))
}

//! The parser of the argument that names an algorithm.

use crate::domain::jwt::Algorithm;

/// Reads the name of an algorithm, such as `ES256`. The error lists all names.
pub(super) fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        format!("one of {}", names.join(", "))
    })
}

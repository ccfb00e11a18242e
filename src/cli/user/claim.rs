//! The parser of the argument `--claim KEY=JSON`, a custom claim.

use serde_json::{Map, Value};

/// The name and the value of a claim.
pub(super) type Claim = (String, Value);

/// Parses `KEY=JSON`. The error is a message for the operator.
pub(super) fn parse(text: &str) -> Result<Claim, String> {
    let (key, json) = text.split_once('=').ok_or("must be KEY=JSON, such as level=3")?;
    if key.is_empty() {
        return Err("must have a name before the =".to_owned());
    }
    match serde_json::from_str(json) {
        Ok(value) => Ok((key.to_owned(), value)),
        Err(_) => Err(format!("the text after {key}= is not JSON; write a string in quotes: '{key}=\"…\"'")),
    }
}

/// Collects the claims. The last claim with a name replaces the earlier claims with the same name.
pub(super) fn collect(claims: Vec<Claim>) -> Map<String, Value> {
    claims.into_iter().collect()
}

//! What pages say: `templates/texts.json`, the one place for all sentences.

use std::sync::LazyLock;

use serde_json::Value;

use crate::http::errors::ErrorCode;

/// All of it, for the templates.
pub static TEXTS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../templates/texts.json")).expect("a test reads the texts")
});

/// One sentence; none where there is no such key.
pub fn find(section: &str, key: &str) -> Option<&'static str> {
    TEXTS[section].get(key)?.as_str()
}

/// What a person is told where a request was refused.
pub fn error(key: &str) -> &'static str {
    find("errors", key).or_else(|| find("errors", "other")).unwrap_or_default()
}

/// The same by the code of the API.
pub fn of_code(code: ErrorCode) -> &'static str {
    error(code.as_str())
}

/// What is said after a form was done, by the code in the address; none for a code that is not ours.
pub fn notice(code: Option<&str>) -> Option<&'static str> {
    find("notices", code?)
}

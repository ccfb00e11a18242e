//! The texts of the pages: `templates/texts.json`, which has all sentences.

use std::sync::LazyLock;

use serde_json::Value;

use crate::http::errors::ErrorCode;

/// All texts, for the templates.
pub static TEXTS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../templates/texts.json")).expect("a test reads the texts")
});

/// Returns one sentence, or `None` if the section has no such key.
pub fn find(section: &str, key: &str) -> Option<&'static str> {
    TEXTS[section].get(key)?.as_str()
}

/// Returns the sentence for a refused request. An unknown key returns the sentence `other`.
pub fn error(key: &str) -> &'static str {
    find("errors", key).or_else(|| find("errors", "other")).unwrap_or_default()
}

/// Returns the sentence for an error code of the API.
pub fn of_code(code: ErrorCode) -> &'static str {
    error(code.as_str())
}

/// Returns the sentence for the result of a form, by the code in the URL. Returns `None` without a code, or if the code is
/// unknown.
pub fn notice(code: Option<&str>) -> Option<&'static str> {
    find("notices", code?)
}

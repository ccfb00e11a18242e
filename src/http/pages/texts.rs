//! The texts of the pages. The file `templates/texts.json` contains all sentences.

use std::sync::LazyLock;

use serde_json::Value;

use crate::http::errors::ErrorCode;

/// All texts. The templates read them too.
pub static TEXTS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../templates/texts.json")).expect("a test reads the texts")
});

/// Returns the sentence `key` of a section; `None` if there is no such section or key.
pub fn find(section: &str, key: &str) -> Option<&'static str> {
    TEXTS[section].get(key)?.as_str()
}

/// Returns the sentence `key` of the section `errors`. If there is no such key, returns the sentence `other`.
pub fn error(key: &str) -> &'static str {
    find("errors", key).or_else(|| find("errors", "other")).unwrap_or_default()
}

/// Returns the sentence for an error code of the API, as [`error`] does.
pub fn of_code(code: ErrorCode) -> &'static str {
    error(code.as_str())
}

/// Returns the sentence for the code `notice` in the URL, which reports the result of a form. Returns `None` if there is no
/// code or the code is unknown.
pub fn notice(code: Option<&str>) -> Option<&'static str> {
    find("notices", code?)
}

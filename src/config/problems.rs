//! The problems of a configuration. Each is printed as one line.

use std::fmt;

use serde_json::Value as Json;

/// All problems of a configuration. Each of them stops the start. The order: problems of the sources, of the sections, of
/// Rocket's own settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub(super) Vec<Problem>);

/// A problem of a configuration. Its text is one line and contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key. If the problem does not concern a key, the file, line or table with the problem.
    pub subject: String,
    /// The value as it is printed; `[redacted]` for a secret. `None` if there is no value, or if it must not be printed.
    pub value: Option<String>,
    /// The origin of the value or of the problem, such as `Rocket.toml`. `None` if it is not known.
    pub origin: Option<String>,
    /// The cause of the problem, or the values that are allowed.
    pub message: String,
}

impl Problems {
    /// Returns all problems, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Returns a value as one line of JSON, truncated after 100 characters; `a table` for a table. The text between `://` and the
/// last `@` is omitted, because it may contain a password.
pub(crate) fn shorten(value: &Json) -> String {
    let text = match value {
        Json::Object(_) => return "a table".to_owned(),
        value => value.to_string(),
    };
    let text = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &text[..scheme + 3], &text[at..]),
        _ => text,
    };
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

//! The problems of a configuration, one line each.

use std::fmt;

use figment::{Figment, Metadata, error::Kind};
use serde_json::Value as Json;

/// All problems that stop the start: those of the sources first, then those of each section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

/// A problem of a configuration. Its text is one line and contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, or what else is at fault, such as a file.
    pub subject: String,
    /// The value as shown, where there is one to show.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Option<String>,
    /// What is wrong, or what is allowed.
    pub message: String,
}

impl Problems {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// Returns each problem.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl Problem {
    /// Returns the problem of Rocket's own setting `key`, or of a setting in it, with its value and origin in `settings`.
    pub fn of_rocket(settings: &Figment, key: &str, error: &figment::Error) -> Self {
        let inner = error.path.join(".");
        let subject = if inner.starts_with(key) { inner } else { key.to_owned() };
        let value = settings.find_value(&subject).ok().and_then(|value| serde_json::to_value(value).ok());
        let source = settings.find_metadata(&subject).or_else(|| settings.find_metadata(key));
        let message = match &error.kind {
            Kind::InvalidType(_, wanted) | Kind::InvalidValue(_, wanted) | Kind::InvalidLength(_, wanted) => {
                let wanted = match wanted.as_str() {
                    "u16" | "u32" | "usize" => "a whole number",
                    "a nonzero usize" => "a whole number above 0",
                    "byte unit string" => "a size such as 1MiB",
                    other => other,
                };
                format!("must be {wanted}")
            }
            Kind::UnknownVariant(_, words) => format!("must be one of {}", words.join(", ")),
            other => other.to_string().replace('\n', " "),
        };
        Self { subject, value: value.as_ref().map(shorten), origin: source.map(origin), message }
    }
}

fn origin(metadata: &Metadata) -> String {
    let file = metadata.source.as_ref().and_then(|source| source.file_path());
    file.map_or_else(|| metadata.name.to_string(), |path| path.display().to_string())
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
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

/// Returns a value as one line of at most about 100 characters. A possible password in a URL is left out.
pub(super) fn shorten(value: &Json) -> String {
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

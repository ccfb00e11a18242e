//! The place of the SQLite database, as the setting `database_url` names it.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The SQLite database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// The database is in this file.
    File(PathBuf),
    /// The database is in a temporary directory, which is removed when the program ends.
    Temporary,
}

impl Database {
    /// Returns the path of the file; `None` for a temporary database.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Temporary => None,
        }
    }
}

/// Reads `sqlite::memory:`, or `sqlite:` and the path of a file with the meaning that sqlx gives it: `sqlite://data/a.db` is a
/// relative path, `sqlite:///data/a.db` an absolute path. Parameters are refused.
impl FromStr for Database {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let rest = text.strip_prefix("sqlite:").ok_or(())?;
        if rest == ":memory:" {
            return Ok(Self::Temporary);
        }
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path.is_empty() || path.ends_with('/') || path.contains(['?', '#']) || path == ":memory:" {
            true => Err(()),
            false => Ok(Self::File(PathBuf::from(path))),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite:{}", path.display()),
            Self::Temporary => f.write_str("sqlite::memory:"),
        }
    }
}

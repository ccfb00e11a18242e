//! Where data is. Nothing is created or opened here.

use std::path::PathBuf;

use figment::value::Value;
use serde_json::{Value as Json, json};

use super::{
    reader::{Read, Reader, share},
    setting::{Setting, text},
};

/// Where data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// Database, root secret, backups; relative to the working directory unless absolute.
    pub data_dir: PathBuf,
    /// Which database.
    pub database: Database,
}

/// The SQLite database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In this file.
    File(PathBuf),
    /// In a directory that is removed at the end.
    Temporary,
}

impl Storage {
    pub(super) fn read(reader: &mut Reader) -> Read<Self> {
        let data_dir = reader.read::<PathBuf>("data_dir");
        let inside = share(&data_dir).map(|directory| Database::File(directory.join("vestibule.db")));
        let database = reader.or("database_url", inside);
        Ok(Self { data_dir: data_dir?, database: database? })
    }
}

impl Setting for Database {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "sqlite:<path of a file> without parameters, or sqlite::memory:";
        let rest = text(value, allowed)?.strip_prefix("sqlite:").ok_or(allowed)?;
        if rest == ":memory:" {
            return Ok(Self::Temporary);
        }
        // As sqlx has it: `sqlite://data/a.db` is relative, `sqlite:///data/a.db` is not.
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path.is_empty() || path.ends_with('/') || path.contains(['?', '#']) || path == ":memory:" {
            true => Err(allowed.to_owned()),
            false => Ok(Self::File(PathBuf::from(path))),
        }
    }

    fn show(&self) -> Json {
        match self {
            Self::File(path) => json!(format!("sqlite:{}", path.display())),
            Self::Temporary => json!("sqlite::memory:"),
        }
    }
}

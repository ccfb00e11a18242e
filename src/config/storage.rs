//! The settings for the directory of the data and for the database. This module creates and opens no files.

use std::path::PathBuf;

use figment::value::Value;
use serde_json::Value as Json;

use super::{
    declare::settings,
    reader::share,
    setting::{Setting, text},
};

settings! {
    /// The directory of the data, and the database.
    pub struct Storage, StorageKeys in "storage", |reader| {
        /// The directory of the database and of the root secret. It is created with mode `0700` if it does not exist. A
        /// relative path starts at the working directory.
        #[key("data_dir", default = "./data", dev = "./data-dev", main = true)]
        data_dir: PathBuf,
        /// The SQLite database: `sqlite:` followed by the path of a file. `sqlite::memory:` creates the database in a temporary
        /// directory, which is removed when the program ends. Unset: `vestibule.db` in `data_dir`.
        #[key("database_url", example = "sqlite:./data/vestibule.db")]
        #[read(otherwise = share(&data_dir).map(|directory| Database::File(directory.join("vestibule.db"))))]
        database: Database,
    }
}

/// The SQLite database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// The database is in this file.
    File(PathBuf),
    /// The database is in a temporary directory, which is removed when the program ends.
    Temporary,
}

impl Setting for Database {
    fn parse(value: &Value) -> Result<Self, String> {
        let allowed = "sqlite:<path of a file> without parameters, or sqlite::memory:";
        let rest = text(value, allowed)?.strip_prefix("sqlite:").ok_or(allowed)?;
        if rest == ":memory:" {
            return Ok(Self::Temporary);
        }
        // The same meaning as in sqlx: `sqlite://data/a.db` is a relative path, `sqlite:///data/a.db` an absolute path.
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path.is_empty() || path.ends_with('/') || path.contains(['?', '#']) || path == ":memory:" {
            true => Err(allowed.to_owned()),
            false => Ok(Self::File(PathBuf::from(path))),
        }
    }

    fn show(&self) -> Json {
        match self {
            Self::File(path) => Json::from(format!("sqlite:{}", path.display())),
            Self::Temporary => Json::from("sqlite::memory:"),
        }
    }
}

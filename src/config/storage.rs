//! The directory of the data, and the database. Nothing is created or opened here.

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
        /// The directory of the database and of the root secret. It is created with mode 0700. A relative path starts at the
        /// working directory.
        #[key("data_dir", default = "./data", dev = "./data-dev", main = true)]
        data_dir: PathBuf,
        /// The database: `sqlite:` and the path of a file, or `sqlite::memory:` for a temporary directory that is removed at
        /// the end. Unset: `vestibule.db` in `data_dir`.
        #[key("database_url", example = "sqlite:./data/vestibule.db")]
        #[read(otherwise = share(&data_dir).map(|directory| Database::File(directory.join("vestibule.db"))))]
        database: Database,
    }
}

/// The SQLite database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In this file.
    File(PathBuf),
    /// In a directory that is removed at the end.
    Temporary,
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
            Self::File(path) => Json::from(format!("sqlite:{}", path.display())),
            Self::Temporary => Json::from("sqlite::memory:"),
        }
    }
}

//! The settings for the directory of the data and for the database. This module creates and opens no files.

use std::path::PathBuf;

use super::{declare::settings, reader::share};
use crate::domain::database::Database;

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

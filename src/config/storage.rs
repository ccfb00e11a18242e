//! The settings for the directory of the data and for the database. This module creates and opens no files.

use std::path::PathBuf;

use super::{declare::settings, reader::share};
use crate::domain::{backup::Schedule, database::Database, span::Seconds};

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
        #[otherwise(share(&data_dir).map(|directory| Database::File(directory.join("vestibule.db"))))]
        database: Database,
        /// The directory of the copies that the server makes by itself. It is created with mode `0700` if it does not exist.
        /// Unset: `backups` in `data_dir`. A directory on another disk helps if the disk of the database is lost.
        #[key("backup_dir", example = "/var/backups/vestibule")]
        #[otherwise(share(&data_dir).map(|directory| directory.join("backups")))]
        backup_dir: PathBuf,
        /// The time between two copies. A copy is made only if something has changed, and is opened and checked before it
        /// counts. It never fills the last fifth of a disk. `0` switches the copies off.
        #[key("backup_interval", default = "1d", dev = "0", main = true)]
        backup_interval: Seconds,
        /// The number of copies that are kept. A copy is also deleted after this number of intervals, if there is a newer one.
        /// `0` switches the copies off.
        #[key("backup_keep", default = 7, main = true)]
        #[within(0..=1000)]
        backup_keep: u32,
    }
}

impl Storage {
    /// Returns the schedule of the copies that the server makes by itself. `None` if it makes none: they are switched off, or
    /// the database is a temporary one.
    pub fn backups(&self) -> Option<Schedule> {
        let (interval, keep) = (self.backup_interval.seconds(), self.backup_keep as usize);
        let is_on = interval > 0 && keep > 0 && self.database != Database::Temporary;
        is_on.then_some(Schedule { interval, keep })
    }
}

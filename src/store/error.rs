//! Why the database did not do what was asked, and what a commit tells.

use std::{path::PathBuf, sync::Arc};

use crate::domain::{UnixTime, change::Announcement};

/// Why the database did not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be opened as our database.
    #[error("can't open the database {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: sqlx::Error,
    },
    /// The tables can't be brought to this version.
    #[error("can't use the database {}: {reason}", path.display())]
    Migrate {
        /// Which file.
        path: PathBuf,
        /// What stands in the way.
        reason: String,
    },
    /// SQLite refused: a full disk, a broken file, a lock that did not go away.
    #[error("the database refused a statement: {0}")]
    Database(#[from] sqlx::Error),
    /// A row says something that can't be.
    #[error("table {table} row {id}: {what}")]
    Inconsistent {
        /// In which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// What can't be.
        what: String,
    },
    /// A commit failed, and with it every write that was part of it.
    #[error(transparent)]
    Commit(Arc<Error>),
    /// A statement of a write failed, and its code went on. The write was rolled back.
    #[error("a statement of a write failed: {0}")]
    Statement(String),
    /// The code of a write panicked. The write was rolled back.
    #[error("a write panicked: {0}")]
    Panicked(String),
    /// The server is stopping, or the thread that writes has failed.
    #[error("the database is closed")]
    Closed,
}

impl Error {
    pub(super) fn inconsistent(table: &'static str, id: impl ToString, what: impl ToString) -> Self {
        Self::Inconsistent { table, id: id.to_string(), what: what.to_string() }
    }
}

/// The result of a statement.
pub type Result<T> = std::result::Result<T, Error>;

/// Called with what a commit announced, after the commit and before anybody is answered.
pub type OnCommit = Arc<dyn Fn(&[Announcement]) + Send + Sync>;

/// Reads an instant.
pub(super) fn instant(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

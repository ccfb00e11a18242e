//! The errors of the database, and the callback that receives the announcements of a commit.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::domain::{UnixTime, change::Announcement};

/// An error of the database. A write that failed was rolled back, with one exception: if the writer's thread fails after a
/// commit, the caller gets [`Error::Closed`] although the write is on disk.
/// [`Vestibule::invalidate`](crate::Vestibule::invalidate) returns this type.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be opened as a database.
    #[error("can't open the database {}", path.display())]
    Open {
        /// The path of the file.
        path: PathBuf,
        /// The error of SQLite or of the file system.
        #[source]
        cause: sqlx::Error,
    },
    /// The tables can't be migrated to this version.
    #[error("can't use the database {}: {reason}", path.display())]
    Migrate {
        /// The path of the file.
        path: PathBuf,
        /// The obstacle, as a sentence for the operator.
        reason: String,
    },
    /// SQLite refused a statement or a connection. Examples are a full disk, a damaged file, and a lock that was not released
    /// in time.
    #[error("the database refused a statement: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored row has an invalid value.
    #[error("table {table} row {id}: {what}")]
    Inconsistent {
        /// The table of the row.
        table: &'static str,
        /// The id of the row.
        id: String,
        /// The defect.
        what: String,
    },
    /// The transaction could not begin or commit. Every write in it was rolled back.
    #[error(transparent)]
    Commit(Arc<Error>),
    /// A statement of a job failed, and the job returned success nevertheless. The job was rolled back.
    #[error("a statement of a write failed: {0}")]
    Statement(String),
    /// The job panicked. The job was rolled back.
    #[error("a write panicked: {0}")]
    Panicked(String),
    /// A file of the database was removed or replaced. Nothing was written.
    #[error("the database {} was removed or replaced while it is in use; put it back, or stop the server and restore a copy", .0.display())]
    Vanished(PathBuf),
    /// The job decided to undo what it had written. Its caller knows why.
    #[error("the write was undone")]
    Undone,
    /// The database is closed, or the thread that writes has failed.
    #[error("the database is closed")]
    Closed,
}

impl Error {
    /// Returns [`Error::Inconsistent`] for the row `id` of a table.
    pub(super) fn inconsistent(table: &'static str, id: impl ToString, what: impl ToString) -> Self {
        Self::Inconsistent { table, id: id.to_string(), what: what.to_string() }
    }
}

/// The result of a function of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// A callback that receives the announcements of each transaction. The writer calls it after the commit, and before any caller
/// gets its result.
pub type OnCommit = Arc<dyn Fn(&[Announcement]) + Send + Sync>;

/// What is measured of the database.
#[derive(Clone, Copy, Debug)]
pub enum Measured {
    /// A transaction of the writer was committed.
    Commit {
        /// The time from its begin until it was on disk.
        took: Duration,
        /// The number of jobs in it.
        jobs: usize,
    },
    /// A caller waited for a read-only connection.
    ReadWait(Duration),
    /// No read-only connection became free.
    ReadFailed,
    /// A job failed because of the database. A job that decided to undo what it had written has not failed.
    WriteFailed,
}

/// A callback that receives measurements. It must not block, because the writer calls it too.
pub type OnMeasured = Arc<dyn Fn(Measured) + Send + Sync>;

/// Converts a stored time, in seconds since 1970, into a [`UnixTime`].
pub(super) fn instant(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

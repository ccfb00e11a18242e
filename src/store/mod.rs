//! SQL. Plain functions over a connection, one statement each, and no rules: those are in `flows`.
//!
//! Reads go through a few read-only connections ([`Store::read`]), writes through the one writer ([`Store::write`]), which
//! commits durably whatever queued up during the commit before. Conditions stand in `where` clauses, so that no decision
//! rests on something read earlier.

pub mod audit;
pub mod changes;
pub mod devices;
mod error;
mod job;
pub mod meta;
mod migrations;
pub mod roles;
pub mod sessions;
pub mod signing_keys;
mod sql;
mod tx;
pub mod users;
mod value;
mod writer;

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};

use self::{error::instant, writer::Writer};
pub use self::{
    error::{Error, OnCommit, Result},
    sql::{Column, Conn, Query, Reader, Row, sql},
    tx::Tx,
    value::Value,
};

/// How long it takes at the most until a running server has seen what another process announced.
pub const FOLLOWED_WITHIN: Duration = Duration::from_millis(writer::FOLLOW_EVERY.as_millis() as u64 + 50);

/// Read-only connections; reads of a small table take tens of microseconds, so few are enough.
const READERS: u32 = 4;

/// How long a statement waits for another process's write, such as a command's beside the server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The database.
#[derive(Clone)]
pub struct Store {
    readers: SqlitePool,
    writer: Writer,
}

impl Store {
    /// Opens the file, makes it where there is none, and brings its tables to this version.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Migrate`].
    pub async fn open(path: &Path, on_commit: OnCommit) -> Result<Self> {
        let cannot_open = |cause| Error::Open { path: path.to_owned(), cause };
        let base = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("trusted_schema", "OFF")
            .pragma("temp_store", "MEMORY")
            .pragma("cache_size", "-4000");
        let mut connection = base
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // What was deleted is overwritten, not left in the file's free space.
            .pragma("secure_delete", "ON")
            .connect()
            .await
            .map_err(cannot_open)?;
        migrations::run(&mut connection).await.map_err(|reason| Error::Migrate { path: path.to_owned(), reason })?;
        // Only now: a read-only connection can't make the file or its WAL.
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(base.read_only(true))
            .await
            .map_err(cannot_open)?;
        let writer = Writer::start(Conn::writer(connection), on_commit).await?;
        Ok(Self { readers, writer })
    }

    /// A read-only connection. Sees everything that was committed before the call.
    ///
    /// # Errors
    /// [`Error::Database`] when none is free in time, [`Error::Closed`].
    pub async fn read(&self) -> Result<Reader> {
        Ok(Reader::new(self.readers.acquire().await?))
    }

    /// Runs `job` in a transaction that holds the write lock from its start, and answers once its outcome is on disk.
    ///
    /// A job that gives an error, or panics, or in which a statement failed, leaves nothing behind. It may be run again after
    /// another job of the same commit failed, so it must do nothing but write through its `Tx`.
    ///
    /// # Errors
    /// The job's own; [`Error::Statement`] when the job ignored a failed statement; [`Error::Panicked`]; [`Error::Commit`] or
    /// [`Error::Database`] when the transaction can't begin or commit; [`Error::Closed`].
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.writer.run(job).await
    }

    /// Completes when the thread that writes has ended without [`Store::close`]; never otherwise. Every later write gives
    /// [`Error::Closed`].
    pub async fn failed(&self) {
        self.writer.failed().await;
    }

    /// Moves what the write-ahead log holds into the file, after what is queued now. The log keeps what was deleted until it is
    /// written over, which on a quiet server may be never.
    pub async fn fold_log(&self) {
        self.writer.fold_log().await;
    }

    /// Finishes what is queued, folds the WAL into the file and closes it. Later calls give [`Error::Closed`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

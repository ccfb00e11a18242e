//! The SQL of the server: plain functions over a connection, most of them one statement each. The rules are in `flows`.
//!
//! [`Store::read`] returns one of a few read-only connections. [`Store::write`] passes a job to the only writer. All jobs that
//! were queued during a commit share the next commit, which is durable. A condition for a write is part of its `where` clause
//! or is read in the same transaction, so that no write depends on a row that was read earlier.
//!
//! Every function fails with [`Error::Database`] if the engine refuses the statement, and with [`Error::Inconsistent`] if a
//! stored value is invalid. The documentation of a function mentions only further cases, and special reasons for these errors.

pub mod accounts;
pub mod audit;
pub mod changes;
pub mod clients;
pub mod devices;
mod error;
pub mod file;
pub mod invariants;
mod job;
pub mod live_sessions;
pub mod meta;
mod migrations;
pub mod name_keys;
pub mod one_time_tokens;
pub mod restored;
pub mod roles;
pub mod session_counters;
pub mod sessions;
pub mod signing_keys;
mod sql;
mod tx;
pub mod user_search;
pub mod users;
mod value;
mod writer;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};

use self::{
    error::instant,
    file::{BUSY_TIMEOUT, Files},
    writer::Writer,
};
pub use self::{
    error::{Error, Measured, OnCommit, OnMeasured, Result},
    sql::{Column, Conn, Query, Reader, Row, sql},
    tx::Tx,
    value::Value,
};

/// The time within which a running server that is not busy has read a change that another process announced.
pub const FOLLOWED_WITHIN: Duration = Duration::from_millis(writer::FOLLOW_EVERY.as_millis() as u64 + 50);

/// The number of read-only connections. A read of a small table takes tens of microseconds, so few are enough.
const READERS: u32 = 4;

/// The database: its read-only connections and its writer.
#[derive(Clone)]
pub struct Store {
    readers: SqlitePool,
    writer: Writer,
    /// The number of rows that [`Store::probe`] has written.
    probes: Arc<AtomicI64>,
    on_measured: OnMeasured,
}

/// The number of rows that were written, by this process and by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeMark {
    own: i64,
    others: i64,
}

impl Store {
    /// Opens the database file, creates it if it is absent, and migrates its tables to this version.
    ///
    /// # Errors
    /// [`Error::Open`] if the file can't be opened; [`Error::Migrate`] if the migrations can't be applied.
    pub async fn open(path: &Path, on_commit: OnCommit, on_measured: OnMeasured) -> Result<Self> {
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
            // Deleted rows are overwritten, so that no data of a deleted user remains in the file's free space.
            .pragma("secure_delete", "ON")
            .connect()
            .await
            .map_err(cannot_open)?;
        migrations::run(&mut connection).await.map_err(|reason| Error::Migrate { path: path.to_owned(), reason })?;
        // The readers are opened after the writer, because a read-only connection can't create the file or its WAL.
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
        let writer =
            Writer::start(Conn::writer(connection), Files::new(path), on_commit, OnMeasured::clone(&on_measured))
                .await?;
        Ok(Self { readers, writer, probes: Arc::default(), on_measured })
    }

    /// Returns a read-only connection. It sees every transaction that was committed before the call.
    ///
    /// # Errors
    /// [`Error::Database`] if no connection becomes free within five seconds, or if the database is closed.
    pub async fn read(&self) -> Result<Reader> {
        let began = Instant::now();
        let reader = self.readers.acquire().await;
        (self.on_measured)(reader.as_ref().map_or(Measured::ReadFailed, |_| Measured::ReadWait(began.elapsed())));
        Ok(Reader::new(reader?))
    }

    /// Runs `job` in a transaction that has the write lock from its start. Returns the result of the job after the commit is on
    /// disk.
    ///
    /// The transaction is rolled back if the job returns an error or panics, or if one of its statements fails. If another job
    /// of the same commit failed, the job runs again. So a job must do nothing except write through its `Tx`.
    ///
    /// # Errors
    /// - The job's own error.
    /// - [`Error::Statement`] if a statement failed and the job ignored that.
    /// - [`Error::Panicked`] if the job panicked.
    /// - [`Error::Commit`] or [`Error::Database`] if the transaction can't begin or commit.
    /// - [`Error::Closed`] if the writer has stopped.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let done = self.writer.run(job).await;
        if done.as_ref().is_err_and(|error| !matches!(error, Error::Undone)) {
            (self.on_measured)(Measured::WriteFailed);
        }
        done
    }

    /// Returns the number of jobs that wait for the writer.
    pub fn queued_writes(&self) -> usize {
        self.writer.queued()
    }

    /// Returns a value that differs from an earlier one if something was written in between, by this process or by another one.
    /// Writes of [`Store::probe`] do not count.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn change_mark(&self) -> Result<ChangeMark> {
        let (own, others) = self
            .write(async |tx| {
                let own: i64 = sql("select total_changes()").value(tx).await?;
                let others: i64 = sql("pragma data_version").value(tx).await?;
                Ok((own, others))
            })
            .await?;
        Ok(ChangeMark { own: own - self.probes.load(Ordering::Relaxed), others })
    }

    /// Writes a row, to find out whether the database can be written. The row has no meaning.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn probe(&self) -> Result<()> {
        let written = self.write(async |tx| {
            sql("insert into meta (key, value) values ('probe', '1') on conflict (key) do update set value = 1 - meta.value")
                .execute(tx)
                .await
        });
        let rows = written.await?;
        self.probes.fetch_add(rows as i64, Ordering::Relaxed);
        Ok(())
    }

    /// Returns the version of the tables, as the database records it now.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn schema_version(&self) -> Result<file::SchemaVersion> {
        file::schema_version(&mut *self.read().await?).await
    }

    /// Completes when the writer's thread has ended without [`Store::close`], and never otherwise. From then on every write
    /// returns [`Error::Closed`].
    pub async fn failed(&self) {
        self.writer.failed().await;
    }

    /// Waits for the jobs that are queued now, moves the content of the write-ahead log into the database file, and empties the
    /// log. Otherwise the log would contain deleted rows until it is overwritten, which may never happen on a quiet server.
    pub async fn fold_log(&self) {
        self.writer.fold_log().await;
    }

    /// Finishes the queued jobs, moves the content of the write-ahead log into the database file, and closes the file. Later
    /// reads and writes fail.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

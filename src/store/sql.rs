//! Runs one statement on the engine that the database is on.
//!
//! Every statement of the store has one text for SQLite and PostgreSQL, with placeholders `$1`, `$2` …; `tests/statements.rs`
//! prepares each of them on both. The functions of the store do not know which engine answers. Today it is always SQLite;
//! PostgreSQL will be one more variant of [`Engine`] and of [`Row`].

use std::ops::{Deref, DerefMut};

use sqlx::{
    Arguments as _, Decode, Row as _, Sqlite, SqliteConnection, Type,
    pool::PoolConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{Result, value::Value};

/// A connection, as every function of the store takes it. A [`Reader`] or a [`super::Tx`] gives one.
pub struct Conn {
    engine: Engine,
    /// Why the first failed statement was refused, until [`Conn::take_failure`].
    failure: Option<String>,
}

/// The connection of an engine.
enum Engine {
    /// The one connection that writes.
    Sqlite(SqliteConnection),
    /// A read-only connection, given back to its pool when it is dropped.
    SqliteReader(PoolConnection<Sqlite>),
}

impl Conn {
    pub(super) fn writer(connection: SqliteConnection) -> Self {
        Self { engine: Engine::Sqlite(connection), failure: None }
    }

    /// Returns why the first statement that failed since the last call was refused; none where no statement failed.
    pub(super) fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Closes a writer's connection; gives a reader's back to its pool.
    pub(super) async fn close(self) -> Result<()> {
        if let Engine::Sqlite(connection) = self.engine {
            sqlx::Connection::close(connection).await?;
        }
        Ok(())
    }

    fn sqlite(&mut self) -> &mut SqliteConnection {
        match &mut self.engine {
            Engine::Sqlite(connection) => connection,
            Engine::SqliteReader(connection) => connection,
        }
    }

    /// Notes that a statement failed. PostgreSQL drops the whole transaction then, and still answers its commit with success.
    /// So that both engines do the same, the writer rolls such a transaction back.
    fn noting<T>(&mut self, result: std::result::Result<T, sqlx::Error>) -> Result<T> {
        if let Err(error) = &result {
            self.failure.get_or_insert_with(|| error.to_string());
        }
        Ok(result?)
    }
}

/// A read-only connection, given back when dropped.
pub struct Reader(Conn);

impl Reader {
    pub(super) fn new(connection: PoolConnection<Sqlite>) -> Self {
        Self(Conn { engine: Engine::SqliteReader(connection), failure: None })
    }
}

impl Deref for Reader {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

/// A row that a statement returned.
pub enum Row {
    /// Of SQLite.
    Sqlite(SqliteRow),
}

impl Row {
    /// Returns the value of a column.
    ///
    /// # Errors
    /// [`super::Error::Database`] where there is no such column, or one of another type.
    pub fn get<'r, T: Column<'r>>(&'r self, column: &str) -> Result<T> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
        }
    }

    fn only<'r, T: Column<'r>>(&'r self) -> Result<T> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(0)?),
        }
    }
}

/// A type that a column can be read as on every engine. Numbers are `i64`, because PostgreSQL has no unsigned ones.
pub trait Column<'r>: Decode<'r, Sqlite> + Type<Sqlite> {}

impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite>> Column<'r> for T {}

/// A statement with its values.
#[must_use = "a statement does nothing until it is run"]
pub struct Query {
    sql: &'static str,
    values: Vec<Value>,
}

/// A statement. Its text is a literal, so that no value gets into it, and so that the tests find it.
pub fn sql(sql: &'static str) -> Query {
    Query { sql, values: Vec::new() }
}

/// All of them give [`super::Error::Database`] where the engine refuses the statement.
impl Query {
    /// Binds the value of the next placeholder: the first one's first.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs the statement and returns how many rows it wrote.
    pub async fn execute(self, conn: &mut Conn) -> Result<u64> {
        let query = self.for_sqlite()?;
        let done = query.execute(conn.sqlite()).await;
        Ok(conn.noting(done)?.rows_affected())
    }

    /// Runs the statement and returns its rows.
    pub async fn all(self, conn: &mut Conn) -> Result<Vec<Row>> {
        let query = self.for_sqlite()?;
        let rows = query.fetch_all(conn.sqlite()).await;
        Ok(conn.noting(rows)?.into_iter().map(Row::Sqlite).collect())
    }

    /// Runs the statement and returns its first row, if there is one.
    pub async fn optional(self, conn: &mut Conn) -> Result<Option<Row>> {
        let query = self.for_sqlite()?;
        let row = query.fetch_optional(conn.sqlite()).await;
        Ok(conn.noting(row)?.map(Row::Sqlite))
    }

    /// Runs the statement and returns the first column of its first row. No row is an error.
    pub async fn value<T: for<'r> Column<'r>>(self, conn: &mut Conn) -> Result<T> {
        self.optional(conn).await?.ok_or(sqlx::Error::RowNotFound)?.only()
    }

    /// Runs the statement and returns the first column of its first row, if there is one.
    pub async fn optional_value<T: for<'r> Column<'r>>(self, conn: &mut Conn) -> Result<Option<T>> {
        self.optional(conn).await?.map(|row| row.only()).transpose()
    }

    /// Runs the statement and returns the first column of each row.
    pub async fn values<T: for<'r> Column<'r>>(self, conn: &mut Conn) -> Result<Vec<T>> {
        self.all(conn).await?.iter().map(Row::only).collect()
    }

    fn for_sqlite(self) -> Result<sqlx::query::Query<'static, Sqlite, SqliteArguments>> {
        let mut arguments = SqliteArguments::default();
        for value in self.values {
            let added = match value {
                Value::Int(number) => arguments.add(number),
                Value::Bool(yes) => arguments.add(yes),
                Value::Text(text) => arguments.add(text),
                Value::Blob(bytes) => arguments.add(bytes),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        Ok(sqlx::query_with(self.sql, arguments))
    }
}

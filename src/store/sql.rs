//! One statement on whichever engine the database is on: its text, its values, what comes back.
//!
//! Every statement of the store has one text for SQLite and PostgreSQL, with placeholders `$1`, `$2` …; `tests/statements.rs`
//! prepares each on both. No code outside of this file knows which engine answers. Today that is SQLite alone; another one
//! is one more variant of [`Engine`] and of [`Row`].

use std::ops::{Deref, DerefMut};

use sqlx::{
    Arguments as _, Decode, Row as _, Sqlite, SqliteConnection, Type,
    pool::PoolConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{Result, value::Value};

/// What every function of the store takes: a [`Reader`] or a [`super::Tx`] gives one.
pub struct Conn {
    engine: Engine,
    failure: Option<String>,
}

/// The connection itself.
enum Engine {
    /// The writer's.
    Sqlite(SqliteConnection),
    /// A reader's, given back when it is dropped.
    SqliteReader(PoolConnection<Sqlite>),
}

impl Conn {
    pub(super) fn writer(connection: SqliteConnection) -> Self {
        Self { engine: Engine::Sqlite(connection), failure: None }
    }

    /// Takes what the first statement that failed since the last call was refused with.
    pub(super) fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Closes a writer's connection. A reader's goes back to where it came from.
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

    /// Notes a failure: on PostgreSQL a transaction in which a statement failed keeps nothing, though its commit says so to
    /// nobody. SQLite shall not let pass what would be lost there.
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

/// A row of an answer.
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

/// What a column can be read as on every engine: numbers as `i64`, for PostgreSQL has none without a sign.
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

    /// Runs it; how many rows it wrote.
    pub async fn execute(self, conn: &mut Conn) -> Result<u64> {
        let query = self.for_sqlite()?;
        let done = query.execute(conn.sqlite()).await;
        Ok(conn.noting(done)?.rows_affected())
    }

    /// Runs it; its rows.
    pub async fn all(self, conn: &mut Conn) -> Result<Vec<Row>> {
        let query = self.for_sqlite()?;
        let rows = query.fetch_all(conn.sqlite()).await;
        Ok(conn.noting(rows)?.into_iter().map(Row::Sqlite).collect())
    }

    /// Runs it; its first row, if it has one.
    pub async fn optional(self, conn: &mut Conn) -> Result<Option<Row>> {
        let query = self.for_sqlite()?;
        let row = query.fetch_optional(conn.sqlite()).await;
        Ok(conn.noting(row)?.map(Row::Sqlite))
    }

    /// Runs it; the first column of its one row, which there must be.
    pub async fn value<T: for<'r> Column<'r>>(self, conn: &mut Conn) -> Result<T> {
        self.optional(conn).await?.ok_or(sqlx::Error::RowNotFound)?.only()
    }

    /// Runs it; the first column of its first row, if it has one.
    pub async fn optional_value<T: for<'r> Column<'r>>(self, conn: &mut Conn) -> Result<Option<T>> {
        self.optional(conn).await?.map(|row| row.only()).transpose()
    }

    /// Runs it; the first column of its rows.
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

//! Statements, and the connections that run them on the engine of the database.
//!
//! Every statement of the store has one text for SQLite and PostgreSQL, with placeholders `$1`, `$2` …; `tests/statements.rs`
//! prepares each statement on both engines. The functions of the store do not depend on the engine. Today the engine is
//! always SQLite. PostgreSQL will be a further variant of [`Engine`] and of [`Row`].

use std::{
    borrow::Cow,
    ops::{Deref, DerefMut},
};

use sqlx::{
    Arguments as _, AssertSqlSafe, Decode, Row as _, Sqlite, SqliteConnection, Type,
    pool::PoolConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{Result, value::Value};

/// A connection, as every function of the store takes it. [`Reader`] and [`super::Tx`] dereference to this type.
pub struct Conn {
    engine: Engine,
    /// The error of the first failed statement, until [`Conn::take_failure`] takes it.
    failure: Option<String>,
}

/// The connection of an engine.
enum Engine {
    /// The only connection that writes.
    Sqlite(SqliteConnection),
    /// A read-only connection, which returns to its pool when it is dropped.
    SqliteReader(PoolConnection<Sqlite>),
}

impl Conn {
    /// Wraps the connection of the writer.
    pub(super) fn writer(connection: SqliteConnection) -> Self {
        Self { engine: Engine::Sqlite(connection), failure: None }
    }

    /// Returns the error of the first statement that failed since the last call. `None` if no statement failed.
    pub(super) fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Closes a writer's connection, or returns a reader's connection to its pool.
    pub(super) async fn close(self) -> Result<()> {
        if let Engine::Sqlite(connection) = self.engine {
            sqlx::Connection::close(connection).await?;
        }
        Ok(())
    }

    /// Returns the connection as sqlx takes it.
    pub(super) fn sqlite(&mut self) -> &mut SqliteConnection {
        match &mut self.engine {
            Engine::Sqlite(connection) => connection,
            Engine::SqliteReader(connection) => connection,
        }
    }

    /// Records whether a statement failed, and returns its result. After a failed statement PostgreSQL discards the whole
    /// transaction, and yet reports success for its commit. The writer therefore rolls back every such transaction, so that
    /// both engines behave alike.
    fn record_failure<T>(&mut self, result: std::result::Result<T, sqlx::Error>) -> Result<T> {
        if let Err(error) = &result {
            self.failure.get_or_insert_with(|| error.to_string());
        }
        Ok(result?)
    }
}

/// A read-only connection, which returns to its pool when it is dropped.
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
    /// A row of SQLite.
    Sqlite(SqliteRow),
}

impl Row {
    /// Returns the value of a column.
    ///
    /// # Errors
    /// [`super::Error::Database`] if there is no such column, or if its type differs.
    pub fn get<'r, T: Column<'r>>(&'r self, column: &str) -> Result<T> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
        }
    }

    /// Returns the value of the first column. Fails as [`Row::get`] does.
    fn only<'r, T: Column<'r>>(&'r self) -> Result<T> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(0)?),
        }
    }
}

/// A type that a column can be read as on every engine. Numbers are `i64`, because PostgreSQL has no unsigned numbers.
pub trait Column<'r>: Decode<'r, Sqlite> + Type<Sqlite> {}

impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite>> Column<'r> for T {}

/// A statement with the values of its placeholders.
#[must_use = "a statement does nothing until it is run"]
pub struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// Creates a statement. The text is a literal, so that it can't contain a value from a request, and so that
/// `tests/statements.rs` finds it in the source.
pub fn sql(sql: &'static str) -> Query {
    Query { sql: Cow::Borrowed(sql), values: Vec::new() }
}

/// Every function that runs the statement returns [`super::Error::Database`] if the engine refuses it.
impl Query {
    /// Binds a value to the next placeholder. The first call binds `$1`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Repeats the row of the statement's `values (…)` for each of these rows: `values ($1, $2)` becomes
    /// `values ($1, $2), ($3, $4)`. So many rows take one round trip to the engine. Each row has the values of all placeholders
    /// of the statement, which must all be in its `values (…)`.
    pub fn rows(self, rows: Vec<Vec<Value>>) -> Self {
        let sql = repeat(&self.sql, rows.len());
        Self { sql: Cow::Owned(sql), values: rows.into_iter().flatten().collect() }
    }

    /// Runs the statement. Returns the number of rows that it inserted, updated or deleted.
    pub async fn execute(self, conn: &mut Conn) -> Result<u64> {
        let query = self.for_sqlite()?;
        let done = query.execute(conn.sqlite()).await;
        Ok(conn.record_failure(done)?.rows_affected())
    }

    /// Runs the statement. Returns its rows.
    pub async fn all(self, conn: &mut Conn) -> Result<Vec<Row>> {
        let query = self.for_sqlite()?;
        let rows = query.fetch_all(conn.sqlite()).await;
        Ok(conn.record_failure(rows)?.into_iter().map(Row::Sqlite).collect())
    }

    /// Runs the statement. Returns its first row, or `None` if there is no row.
    pub async fn optional(self, conn: &mut Conn) -> Result<Option<Row>> {
        let query = self.for_sqlite()?;
        let row = query.fetch_optional(conn.sqlite()).await;
        Ok(conn.record_failure(row)?.map(Row::Sqlite))
    }

    /// Runs the statement. Returns the first column of its first row. Fails if there is no row.
    pub async fn value<T: for<'r> Column<'r>>(self, conn: &mut Conn) -> Result<T> {
        self.optional(conn).await?.ok_or(sqlx::Error::RowNotFound)?.only()
    }

    /// Runs the statement. Returns the first column of its first row, or `None` if there is no row.
    pub async fn optional_value<T: for<'r> Column<'r>>(self, conn: &mut Conn) -> Result<Option<T>> {
        self.optional(conn).await?.map(|row| row.only()).transpose()
    }

    /// Runs the statement. Returns the first column of each row.
    pub async fn values<T: for<'r> Column<'r>>(self, conn: &mut Conn) -> Result<Vec<T>> {
        self.all(conn).await?.iter().map(Row::only).collect()
    }

    /// Returns the statement with its values in the form that sqlx takes for SQLite.
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
        Ok(match self.sql {
            Cow::Borrowed(sql) => sqlx::query_with(sql, arguments),
            // It consists of literals and numbers of placeholders only.
            Cow::Owned(sql) => sqlx::query_with(AssertSqlSafe(sql), arguments),
        })
    }
}

/// Returns the statement with the row of its `values (…)` repeated `count` times, with consecutive numbers of placeholders. No
/// literal in the row may contain a parenthesis or a `$`. Panics if the statement has no such row.
fn repeat(sql: &str, count: usize) -> String {
    let (before, rest) = sql.split_once("values (").expect("the statement has a row of values");
    let mut depth = 1;
    let is_end = |character| {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    };
    let (row, after) = rest.split_at(rest.find(is_end).expect("the row has an end"));
    let parts: Vec<&str> = row.split('$').collect();
    let placeholders = parts.len() - 1;
    let rows = (0..count).map(|at| {
        let numbered = parts[1..].iter().enumerate().map(|(place, part)| {
            let text = part.trim_start_matches(|character: char| character.is_ascii_digit());
            format!("${}{text}", at * placeholders + place + 1)
        });
        format!("({}{})", parts[0], numbered.collect::<String>())
    });
    format!("{before}values {}{}", rows.collect::<Vec<_>>().join(", "), &after[1..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_row_of_values_is_repeated_with_further_placeholders() {
        let insert = "insert into t (a, b, c) values ($1, 'x', cast($2 as bigint)) on conflict do nothing";
        assert_eq!(super::repeat(insert, 1), insert);
        assert_eq!(
            super::repeat(insert, 3),
            "insert into t (a, b, c) values ($1, 'x', cast($2 as bigint)), ($3, 'x', cast($4 as bigint)), \
             ($5, 'x', cast($6 as bigint)) on conflict do nothing"
        );
        let with = "with w (a) as (values ($1)) select a from w";
        assert_eq!(super::repeat(with, 2), "with w (a) as (values ($1), ($2)) select a from w");
    }
}

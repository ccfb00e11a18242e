//! The database of a place, reached as another program on the machine does: by its file.

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::runtime::Runtime;

use crate::support::Place;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn file(place: &Place) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(place.path("data/vestibule.db"))
}

/// How many rows a query with one parameter counts.
pub(crate) fn count(place: &Place, query: &'static str, parameter: &str) -> i64 {
    runtime().block_on(async {
        let mut connection = file(place).read_only(true).connect().await.expect("the database opens");
        sqlx::query_scalar(query).bind(parameter).fetch_one(&mut connection).await.expect("the query runs")
    })
}

/// Makes the database from a dump, as one with a write-ahead log.
pub(crate) fn restore(place: &Place, dump: &'static str) {
    runtime().block_on(async {
        let options = file(place).create_if_missing(true).foreign_keys(false);
        let mut database = options.connect().await.expect("it opens");
        sqlx::raw_sql(dump).execute(&mut database).await.expect("it is restored");
        sqlx::raw_sql("pragma journal_mode = wal").execute(&mut database).await.expect("it has a log");
        database.close().await.expect("it closes");
    });
}

/// Another program's open transaction, which holds the write lock.
pub(crate) struct WriteLock {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl WriteLock {
    pub(crate) fn take(place: &Place) -> Self {
        let runtime = runtime();
        let connection = runtime.block_on(async {
            let mut connection = file(place).connect().await.expect("a connection");
            sqlx::query("begin immediate").execute(&mut connection).await.expect("the lock");
            connection
        });
        Self { runtime, connection }
    }

    pub(crate) fn let_go(mut self) {
        self.runtime.block_on(async { sqlx::query("rollback").execute(&mut self.connection).await.expect("let go") });
    }
}

//! The database of a `Place`. The helpers open its file, as another program on the machine does.

#[path = "../common/runtime.rs"]
mod runtime;

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::runtime::Runtime;

use self::runtime::{runtime, wait_for};
use crate::support::Place;

fn file(place: &Place) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(place.path("data/vestibule.db"))
}

/// Makes a database look as if a newer version of the program had migrated it.
pub(crate) const FROM_THE_FUTURE: &str = "update _sqlx_migrations set version = 9999 where version = 12";

/// Makes a database look as if no version of the program had created it.
pub(crate) const WITHOUT_HISTORY: &str = "drop table _sqlx_migrations";

/// Returns the number of audit events with this name.
pub(crate) fn count_events(place: &Place, event: &str) -> i64 {
    count(place, "select count(*) from audit_events where event = $1", event)
}

/// Returns the number of devices.
pub(crate) fn count_devices(place: &Place) -> i64 {
    count(place, "select count(*) from devices where id <> $1", "")
}

/// Returns the number of sessions with a sealed fingerprint.
pub(crate) fn count_bound_sessions(place: &Place) -> i64 {
    count(place, "select count(*) from sessions where fingerprint <> $1", "")
}

/// Returns the number of rows that a query with one parameter counts.
fn count(place: &Place, query: &'static str, parameter: &str) -> i64 {
    wait_for(async {
        let mut connection = file(place).read_only(true).connect().await.expect("the database opens");
        sqlx::query_scalar(query).bind(parameter).fetch_one(&mut connection).await.expect("the query runs")
    })
}

/// Returns the first column of each row of a query.
pub(crate) fn texts(place: &Place, query: &'static str) -> Vec<String> {
    wait_for(async {
        let mut connection = file(place).read_only(true).connect().await.expect("the database opens");
        sqlx::query_scalar(query).fetch_all(&mut connection).await.expect("the query runs")
    })
}

/// Returns the rows of every table, by the table's name. Each row is one text with the literals of its values.
pub(crate) fn everything(place: &Place) -> BTreeMap<String, Vec<String>> {
    wait_for(async {
        let mut connection = file(place).read_only(true).connect().await.expect("the database opens");
        let mut texts = async |query: String| -> Vec<String> {
            sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut connection).await.expect("the query runs")
        };
        let mut found = BTreeMap::new();
        for table in texts("select name from sqlite_schema where type = 'table'".to_owned()).await {
            let columns = texts(format!("select 'quote(' || name || ')' from pragma_table_info('{table}')")).await;
            let row = columns.join(" || ',' || ");
            found.insert(table.clone(), texts(format!("select {row} from {table} order by 1")).await);
        }
        found
    })
}

/// Runs statements, as a version of the program did that stored something in another way.
pub(crate) fn change(place: &Place, statements: &'static str) {
    wait_for(async {
        let mut database = file(place).connect().await.expect("it opens");
        sqlx::raw_sql(statements).execute(&mut database).await.expect("the statements run");
        database.close().await.expect("it closes");
    });
}

/// Runs statements that the database must refuse. Returns the reason.
pub(crate) fn refused(place: &Place, statements: &'static str) -> String {
    wait_for(async {
        let mut database = file(place).connect().await.expect("it opens");
        let done = sqlx::raw_sql(statements).execute(&mut database).await;
        database.close().await.expect("it closes");
        done.expect_err(statements).to_string()
    })
}

/// Creates the database from a dump, and switches it to a write-ahead log.
pub(crate) fn restore(place: &Place, dump: &'static str) {
    wait_for(async {
        let options = file(place).create_if_missing(true).foreign_keys(false);
        let mut database = options.connect().await.expect("it opens");
        sqlx::raw_sql(dump).execute(&mut database).await.expect("it is restored");
        sqlx::raw_sql("pragma journal_mode = wal").execute(&mut database).await.expect("it has a log");
        database.close().await.expect("it closes");
    });
}

/// An open transaction of another program, which has the write lock of the database.
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

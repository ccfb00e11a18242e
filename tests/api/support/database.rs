//! Lets tests read and write the database directly, not through HTTP. The queries with names of tables are in [`super::rows`].

use std::{collections::BTreeMap, fs, time::SystemTime};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, sqlite::SqliteConnectOptions};
use vestibule::store::{Column, Query, sql};

use super::{Server, wait_for};

impl Server {
    /// Runs a statement that writes, through the writer of the server.
    pub(super) fn write(&self, text: &'static str) {
        wait_for(self.vestibule.store.write(async move |tx| sql(text).execute(tx).await)).expect("the statement runs");
    }

    /// Returns the number of rows that a query counts.
    pub(super) fn count(&self, text: &'static str) -> usize {
        self.count_of(text, &[])
    }

    /// Returns the number of rows that a query with these parameters counts.
    pub(super) fn count_of(&self, text: &'static str, parameters: &[&str]) -> usize {
        let rows: i64 = self.value(text, parameters);
        usize::try_from(rows).expect("a number of rows")
    }

    /// Returns the first column of the first row of a query with these parameters. Panics if there is no row.
    pub(super) fn value<T: for<'r> Column<'r>>(&self, text: &'static str, parameters: &[&str]) -> T {
        let query = bind(text, parameters);
        wait_for(async { query.value(&mut self.vestibule.store.read().await.expect("a reader")).await })
            .expect("the query runs")
    }

    /// Returns the first column of each row of a query, as text.
    pub(super) fn texts(&self, text: &'static str) -> Vec<String> {
        wait_for(async { sql(text).values(&mut self.vestibule.store.read().await.expect("a reader")).await })
            .expect("the query runs")
    }

    /// Returns the names of the columns of a table, from SQLite's own catalogue.
    pub fn columns(&self, table: &str) -> Vec<String> {
        self.of_sqlite(format!("select name from pragma_table_info('{table}')"))
    }

    /// Returns the names of the tables with data about users, sorted, from SQLite's own catalogue: `users`, every table that
    /// refers to one of these tables, and every table with a column `user_id`.
    pub fn tables_about_users(&self) -> Vec<String> {
        let query = "with recursive about (name) as (
                select 'users'
                union
                select t.name from sqlite_schema t join pragma_table_info(t.name) c
                where t.type = 'table' and c.name = 'user_id'
                union
                select t.name from sqlite_schema t join pragma_foreign_key_list(t.name) r join about on about.name = r.\"table\"
                where t.type = 'table'
            )
            select name from about order by name";
        self.of_sqlite(query.to_owned())
    }

    /// Returns the rows of every table, by the table's name. Each row is one text, which contains each value as text and in
    /// hexadecimal digits.
    pub fn everything(&self) -> BTreeMap<String, Vec<String>> {
        let tables = self.of_sqlite("select name from sqlite_schema where type = 'table'".to_owned());
        let rows = |table: &String| {
            let columns = self.columns(table);
            let text = columns.iter().map(|name| format!("coalesce(cast({name} as text), '')")).collect::<Vec<_>>();
            let bytes = columns.iter().map(|name| format!("coalesce(hex({name}), '')")).collect::<Vec<_>>();
            self.of_sqlite(format!("select {} || '|' || {} from {table}", text.join("||'|'||"), bytes.join("||'|'||")))
        };
        tables.iter().map(|table| (table.clone(), rows(table))).collect()
    }

    /// Returns the size of the write-ahead log, and the time of its last change. A commit changes one of them, even if the
    /// values of all rows stay the same.
    pub fn last_write(&self) -> (u64, SystemTime) {
        let log = fs::metadata(self.directory().join("vestibule.db-wal")).expect("the log");
        (log.len(), log.modified().expect("a time"))
    }

    /// Returns the first column of each row of a query in SQLite's dialect. Opens the file anew, without the server's store.
    fn of_sqlite(&self, query: String) -> Vec<String> {
        let file = SqliteConnectOptions::new().filename(self.directory().join("vestibule.db")).read_only(true);
        wait_for(async {
            let mut connection = file.connect().await.expect("the database opens");
            let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut connection).await.expect("the query runs");
            rows.iter().map(|row| String::from_utf8_lossy(row.get::<&[u8], _>(0)).into_owned()).collect()
        })
    }
}

/// Returns the query `text` with its parameters, `$1` first.
fn bind(text: &'static str, parameters: &[&str]) -> Query {
    parameters.iter().fold(sql(text), |query, parameter| query.bind(*parameter))
}

//! SQLite files as a whole: a consistent copy of a database, and its soundness. These functions open connections of their own,
//! so they also work on a database that no [`Store`](super::Store) of this process has open.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    Conn, Error, Result, migrations,
    sql::{Query, sql},
};

/// How long a statement waits for a lock of another process, for example of a command that writes while the server runs.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of problems that `pragma integrity_check` lists before it stops.
const LISTED: usize = 20;

/// Opens a database file. Does not create or migrate it.
///
/// # Errors
/// [`Error::Open`] if there is no such file, or if it is not a database.
pub async fn open(path: &Path) -> Result<Conn> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("trusted_schema", "OFF")
        .pragma("temp_store", "MEMORY")
        // So no deleted row stays in a copy in which sessions are ended.
        .pragma("secure_delete", "ON");
    let opened = options.connect().await.map_err(|cause| Error::Open { path: path.to_owned(), cause })?;
    Ok(Conn::writer(opened))
}

/// Copies the database of a connection into the file `target`, which is empty or absent. The copy contains every transaction
/// that was committed before the call, and nothing of deleted rows. Other connections write meanwhile. The copy is not synced.
pub async fn copy_into(conn: &mut Conn, target: &Path) -> Result<()> {
    let path = target.to_str().ok_or_else(|| Error::inconsistent("files", target.display(), "not UTF-8"))?;
    sql("vacuum into $1").bind(path).execute(conn).await?;
    Ok(())
}

/// Makes the database of a connection one file without a log beside it. It is the only connection to this database.
pub async fn make_single_file(conn: &mut Conn) -> Result<()> {
    sql("pragma journal_mode = delete").all(conn).await?;
    Ok(())
}

/// Migrates the tables of a database to this version.
///
/// # Errors
/// [`Error::Migrate`] as in [`Store::open`](super::Store::open).
pub async fn migrate(conn: &mut Conn, path: &Path) -> Result<()> {
    let migrated = migrations::run(conn.sqlite()).await;
    migrated.map_err(|reason| Error::Migrate { path: path.to_owned(), reason })
}

/// Moves the content of the log into the database file, and removes the log.
///
/// # Errors
/// [`Error::Database`] also if another process uses the database.
pub async fn fold(conn: &mut Conn) -> Result<()> {
    sql("pragma wal_checkpoint(truncate)").all(conn).await?;
    Ok(())
}

/// Runs statements in one transaction, which is rolled back if they fail.
pub async fn in_transaction<T>(conn: &mut Conn, run: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    sql("begin immediate").execute(conn).await?;
    let done = run(conn).await;
    let end = if done.is_ok() { sql("commit") } else { sql("rollback") };
    end.execute(conn).await?;
    done
}

/// Closes a connection.
pub async fn close(conn: Conn) -> Result<()> {
    conn.close().await
}

/// The version of the tables of a database, compared with this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaVersion {
    /// The file has no tables of Vestibule.
    None,
    /// An earlier version, which this program can migrate.
    Older(i64),
    /// The version of this program.
    Present,
    /// A later version, which this program does not know.
    Newer(i64),
}

/// Returns the version of the tables.
pub async fn schema_version(conn: &mut Conn) -> Result<SchemaVersion> {
    let has_table = "select count(*) from sqlite_master where name = '_sqlx_migrations' and type = 'table'";
    if sql(has_table).value::<i64>(conn).await? == 0 {
        return Ok(SchemaVersion::None);
    }
    let version: i64 = sql("select coalesce(max(version), 0) from _sqlx_migrations").value(conn).await?;
    Ok(match version.cmp(&migrations::LATEST) {
        std::cmp::Ordering::Less if version == 0 => SchemaVersion::None,
        std::cmp::Ordering::Less => SchemaVersion::Older(version),
        std::cmp::Ordering::Equal => SchemaVersion::Present,
        std::cmp::Ordering::Greater => SchemaVersion::Newer(version),
    })
}

/// The files of an open database, as the system knows them.
pub(super) struct Files {
    database: PathBuf,
    log: PathBuf,
    /// The device and the number of the two files.
    identities: [Option<(u64, u64)>; 2],
}

impl Files {
    /// Remembers the files of an open database.
    pub(super) fn new(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let (database, log) = (database.to_owned(), PathBuf::from(log));
        let identities = [identity(&database), identity(&log)];
        Self { database, log, identities }
    }

    /// Checks that the files still have their names. SQLite continues with files that were removed or replaced, and what is
    /// written into them is lost.
    ///
    /// # Errors
    /// [`Error::Vanished`] if a file was removed or replaced.
    pub(super) fn check(&self) -> Result<()> {
        match [identity(&self.database), identity(&self.log)] == self.identities {
            true => Ok(()),
            false => Err(Error::Vanished(self.database.clone())),
        }
    }
}

/// Returns the device and the number of a file; `None` if there is no such file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Returns whether the migration of a database to this version makes a table anew, so that it is copied before.
pub async fn is_rewritten_by_migrations(conn: &mut Conn) -> Result<bool> {
    Ok(match schema_version(conn).await? {
        SchemaVersion::Older(version) => migrations::rewrite_after(version),
        _ => false,
    })
}

/// Reads every page of a database and compares its tables with their indexes. Returns what is wrong, at most 20 problems.
pub async fn find_damage(conn: &mut Conn) -> Result<Vec<String>> {
    let found: Vec<String> = sql("pragma integrity_check(20)").values(conn).await?;
    Ok(found.into_iter().filter(|line| line != "ok").take(LISTED).collect())
}

/// Returns the rows that refer to a missing row, at most 20.
pub async fn find_orphans(conn: &mut Conn) -> Result<Vec<String>> {
    let rows = sql("select \"table\" as child, parent, count(*) as rows from pragma_foreign_key_check group by 1, 2")
        .all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let (child, parent): (String, String) = (row.get("child")?, row.get("parent")?);
            Ok(format!("{} rows of {child} refer to rows of {parent} that do not exist", row.get::<i64>("rows")?))
        })
        .collect()
}

/// Compares the tables, indexes and triggers of a database of this version with those that the migrations create. Returns what
/// is missing, and what was changed. Further tables, such as those of a program that replicates the file, are no problem. A
/// further trigger on a table of ours is one.
pub async fn find_altered_schema(conn: &mut Conn) -> Result<Vec<String>> {
    let mut fresh = SqliteConnection::connect("sqlite::memory:").await.map_err(Error::Database)?;
    migrations::run(&mut fresh).await.map_err(|reason| Error::Migrate { path: "sqlite::memory:".into(), reason })?;
    let mut fresh = Conn::writer(fresh);
    let expected = objects(&mut fresh).await?;
    fresh.close().await?;
    let found = objects(conn).await?;
    let mut problems = Vec::new();
    for (name, object) in &expected {
        match found.get(name) {
            None => problems.push(format!("{} {name} is missing", object.kind)),
            Some(present) if present.sql != object.sql => problems.push(format!("{} {name} was altered", object.kind)),
            Some(_) => {}
        }
    }
    // SQLite keeps the name of a table as it was typed, and compares without case.
    let is_ours = |object: &Object| expected.keys().any(|name| name.eq_ignore_ascii_case(&object.table));
    let further = found.iter().filter(|(name, object)| !expected.contains_key(*name) && object.kind != "table");
    problems.extend(
        further
            .filter(|(_, object)| is_ours(object))
            .map(|(name, object)| format!("{} {name} on {} is not one of this program", object.kind, object.table)),
    );
    Ok(problems)
}

/// An entry of the catalogue of SQLite.
struct Object {
    kind: String,
    table: String,
    sql: String,
}

/// Reads the tables, indexes and triggers, by name, without those that SQLite creates by itself.
async fn objects(conn: &mut Conn) -> Result<BTreeMap<String, Object>> {
    let catalogue: Query = sql("select name, type, tbl_name, sql from sqlite_master where sql is not null");
    let rows = catalogue.all(conn).await?;
    rows.iter()
        .map(|row| {
            let object = Object { kind: row.get("type")?, table: row.get("tbl_name")?, sql: row.get("sql")? };
            Ok((row.get("name")?, object))
        })
        .collect()
}

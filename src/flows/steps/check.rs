//! The check of a database: it reads the file as a whole, and says what is wrong with it. It changes nothing.

use std::{fs, io, path::Path};

use crate::{
    domain::UnixTime,
    store::{
        self, Conn,
        file::{self, SchemaVersion},
        invariants,
    },
};

/// The result of a check.
#[derive(Clone, Debug)]
pub struct Report {
    /// The checks that ran, each with what it found.
    pub checks: Vec<Checked>,
    /// The version of the tables.
    pub version: SchemaVersion,
}

/// What one check found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The name of the check, in one word.
    pub name: &'static str,
    /// What is checked, as a part of a sentence.
    pub about: &'static str,
    /// The problems; empty if all is well.
    pub problems: Vec<String>,
}

impl Report {
    /// Returns all problems, each with the name of its check.
    pub fn problems(&self) -> Vec<String> {
        let of = |checked: &Checked| {
            let name = checked.name;
            checked.problems.iter().map(move |problem| format!("{name}: {problem}")).collect::<Vec<_>>()
        };
        self.checks.iter().flat_map(of).collect()
    }
}

/// Checks the database of a connection. An error of a check is a problem of the database, so it is part of the report. Tables
/// of an earlier version are checked for damage only, because the rules are about the tables of this version.
pub async fn check_database(conn: &mut Conn, now: UnixTime) -> Report {
    let damage = file::find_damage(conn).await;
    let orphans = file::find_orphans(conn).await;
    let mut checks = vec![
        checked("integrity", "every page of the file, and every index", damage),
        checked("references", "rows that refer to other rows", orphans),
    ];
    let version = match file::schema_version(conn).await {
        Ok(version) => version,
        Err(error) => {
            checks.push(checked("tables", "the version of the tables", Err(error)));
            SchemaVersion::None
        }
    };
    match version {
        SchemaVersion::Present => {
            let altered = file::find_altered_schema(conn).await;
            checks.push(checked("tables", "the tables, indexes and triggers", altered));
            let unreadable = invariants::find_unreadable(conn).await;
            checks.push(checked("rows", "the rows as the server reads them", unreadable));
            let broken = invariants::find_broken(conn, now).await;
            checks.push(checked("rules", "what must be true of the rows", broken));
        }
        SchemaVersion::None => {
            checks.push(found("tables", "the version of the tables", "this is not a database of Vestibule"));
        }
        SchemaVersion::Newer(version) => checks.push(found(
            "tables",
            "the version of the tables",
            &format!("they are of a newer version of Vestibule ({version}); use that version"),
        )),
        SchemaVersion::Older(_) => {}
    }
    Report { checks, version }
}

/// Looks for damage in the database file at `path`: in its pages, its indexes and its references. Returns what was found.
///
/// # Errors
/// [`store::Error`] if the file can't be opened, or is so damaged that it can't be read.
pub async fn find_damage(path: &Path) -> store::Result<Vec<String>> {
    let mut conn = file::open(path).await?;
    let found =
        async { Ok([file::find_damage(&mut conn).await?, file::find_orphans(&mut conn).await?].concat()) }.await;
    file::close(conn).await?;
    found
}

/// Refuses a file that is not a database, before SQLite opens it: SQLite would take an empty file for an empty database.
pub fn refuse_other_files(path: &Path) -> io::Result<()> {
    use io::Read as _;
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut begin = [0; MAGIC.len()];
    let is_file = fs::metadata(path)?.is_file();
    if is_file && fs::File::open(path)?.read_exact(&mut begin).is_ok() && begin == MAGIC {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a SQLite database"))
}

/// Returns a check with its problems. An error is a problem.
fn checked(name: &'static str, about: &'static str, problems: store::Result<Vec<String>>) -> Checked {
    let problems = problems.unwrap_or_else(|error| vec![error.to_string()]);
    Checked { name, about, problems }
}

/// Returns a check that found one problem.
fn found(name: &'static str, about: &'static str, problem: &str) -> Checked {
    Checked { name, about, problems: vec![problem.to_owned()] }
}

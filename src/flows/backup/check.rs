//! Check: says whether a database file is sound.

use std::path::Path;

use crate::{
    config::Config,
    domain::UnixTime,
    flows::{
        open::{data_paths::DataPaths, error::OpenError, secret::is_secret_of},
        steps::check::{Checked, Report, check_database},
    },
    store::{self, file},
};

/// Checks the database file at `path`.
///
/// # Errors
/// [`store::Error`] if the file can't be opened.
pub async fn check_file(path: &Path, now: UnixTime) -> store::Result<Report> {
    let mut conn = file::open(path).await?;
    let report = check_database(&mut conn, now).await;
    file::close(conn).await?;
    Ok(report)
}

/// Checks the database of a configuration, with a server or without one, and whether the root secret belongs to it.
///
/// # Errors
/// [`OpenError`] if there is no database, or if it can't be opened.
pub async fn check_own(config: &Config, now: UnixTime) -> Result<Report, OpenError> {
    let paths = DataPaths::of_existing(config)?;
    let mut report = check_file(&paths.database, now).await?;
    let problem = match is_secret_of(config, &paths.secret, &paths.database).await {
        Ok(true) => None,
        Ok(false) => Some(OpenError::SecretForeign(paths.database.clone()).to_string()),
        Err(error) => Some(error.to_string()),
    };
    let problems = problem.into_iter().collect();
    report.checks.push(Checked { name: "secret", about: "the root secret belongs to the database", problems });
    Ok(report)
}

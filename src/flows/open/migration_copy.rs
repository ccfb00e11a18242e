//! The copy of a database before a migration.

use super::{
    data_paths::{DataPaths, create_directory, refuse_writable_by_others},
    error::OpenError,
};
use crate::{
    config::Config,
    domain::{UnixTime, backup::BackupName},
    flows::steps::copy,
    store,
};

/// Copies the database if its migration makes a table anew, so that an earlier version of the program can be started again with
/// the copy. The copy is one of those that the server keeps by itself.
pub(in crate::flows) async fn copy_before_migration(
    config: &Config,
    paths: &DataPaths,
    now: UnixTime,
) -> Result<(), OpenError> {
    if !paths.database_exists() {
        return Ok(());
    }
    let mut conn = store::file::open(&paths.database).await?;
    let is_rewritten = store::file::is_rewritten_by_migrations(&mut conn).await;
    store::file::close(conn).await?;
    if !is_rewritten? {
        return Ok(());
    }
    let directory = &config.storage.backup_dir;
    let failed = |why| OpenError::NotCopied { directory: directory.clone(), why };
    create_directory(directory).map_err(|error| failed(error.to_string()))?;
    refuse_writable_by_others(directory).map_err(|error| failed(error.to_string()))?;
    let target = directory.join(BackupName::new(now).to_string());
    let copied = copy::copy(&paths.database, &target, now).await;
    copied.map_err(|error| failed(error.chain()))?;
    tracing::info!(copy = %target.display(), "the tables are updated to this version; the database was copied before");
    Ok(())
}

//! Where things lie: the data directory, the database, the locks.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::OpenError;
use crate::{
    config::{Config, Database},
    domain::jwt::base64url,
    random,
};

/// Where things lie.
pub(super) struct Place {
    pub(super) secret: PathBuf,
    pub(super) database: PathBuf,
    pub(super) database_existed: bool,
}

impl Place {
    pub(super) fn prepare(config: &Config) -> Result<(Self, Option<TemporaryDirectory>), OpenError> {
        let (directory, database, temporary) = match &config.storage.database {
            Database::File(path) => (config.storage.data_dir.clone(), path.clone(), None),
            Database::Temporary => {
                let temporary = TemporaryDirectory::new()?;
                (temporary.0.clone(), temporary.0.join("vestibule.db"), Some(temporary))
            }
        };
        make_directory(&directory)?;
        if let Some(parent) = database.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            make_directory(parent)?;
        }
        let database_existed = fs::metadata(&database).is_ok_and(|file| file.len() > 0);
        // Made here, so that SQLite finds a file that only we can read and gives its WAL the same mode.
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&database)
            .map_err(|cause| OpenError::File { action: "open the database", path: database.clone(), cause })?;
        Ok((Self { secret: directory.join("secret.key"), database, database_existed }, temporary))
    }
}

fn make_directory(path: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|cause| OpenError::File {
        action: "make the directory",
        path: path.to_owned(),
        cause,
    })
}

/// A directory that goes with the process.
pub(super) struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    fn new() -> Result<Self, OpenError> {
        let path = std::env::temp_dir().join(format!("vestibule-{}", base64url(&random::bytes::<12>())));
        make_directory(&path)?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Takes the lock that the one server holds. The system lets go of it however the process ends.
pub(super) fn lock(database: &Path) -> Result<File, OpenError> {
    lock_beside(database, ".lock")?.ok_or_else(|| OpenError::Locked(database.to_owned()))
}

/// Takes the lock that whoever replaces the root secret holds; none where another process has it.
pub(super) fn lock_secret(database: &Path) -> Result<Option<File>, OpenError> {
    lock_beside(database, ".secret-lock")
}

fn lock_beside(database: &Path, suffix: &str) -> Result<Option<File>, OpenError> {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    let path = PathBuf::from(path);
    let failed = |cause| OpenError::File { action: "lock", path: path.clone(), cause };
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

pub(super) fn server_runs(database: &Path) -> bool {
    matches!(lock(database), Err(OpenError::Locked(_)))
}

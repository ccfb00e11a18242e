//! Where things lie: the data directory, the lock of the one server, the root secret.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::OpenError;
use crate::{
    config::{Config, Database},
    domain::{RootSecret, jwt::base64url},
    random,
};

/// Bytes of a root secret's file that are read.
const MAX_SECRET: u64 = 4096;

/// Where things lie.
pub(super) struct Place {
    secret: PathBuf,
    pub(super) database: PathBuf,
    database_existed: bool,
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
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let failed = |cause| OpenError::File { action: "lock", path: path.clone(), cause };
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(database.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

pub(super) fn server_runs(database: &Path) -> bool {
    matches!(lock(database), Err(OpenError::Locked(_)))
}

pub(super) fn root_secret(config: &Config, place: &Place) -> Result<RootSecret, OpenError> {
    if let Some(secret) = &config.keys.root_secret {
        return Ok(RootSecret::new(secret.expose()));
    }
    let path = &place.secret;
    let failed = |action, cause| OpenError::File { action, path: path.clone(), cause };
    match read_secret(path) {
        Ok(bytes) => {
            let secret = bytes.trim_ascii();
            if secret.len() < 32 { Err(OpenError::SecretShort(path.clone())) } else { Ok(RootSecret::new(secret)) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && place.database_existed => {
            Err(OpenError::SecretMissing { secret: path.clone(), database: place.database.clone() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_secret(path).map_err(|cause| failed("make the root secret", cause))?;
            let bytes = fs::read(path).map_err(|cause| failed("read the root secret", cause))?;
            Ok(RootSecret::new(bytes.trim_ascii()))
        }
        Err(cause) => Err(failed("read the root secret", cause)),
    }
}

/// The bytes of a secret, of which there are few.
fn read_secret(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others on this machine can read the root secret; chmod 600 it");
    }
    let mut bytes = Vec::new();
    file.take(MAX_SECRET).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a new secret whole, or leaves the one that another process made meanwhile.
fn create_secret(path: &Path) -> io::Result<()> {
    let draft = path.with_extension(format!("key.{}", base64url(&random::bytes::<6>())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", base64url(&random::bytes::<32>()))?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

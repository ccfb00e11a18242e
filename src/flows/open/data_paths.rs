//! The paths of the root secret and the database, and the lock files beside the database.
//!
//! SQLite excludes other processes by POSIX locks. When a process closes any descriptor of a file, the system drops all POSIX
//! locks that the process has on that file. So this code never opens an existing database file: another part of the process may
//! have the file open.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use super::error::OpenError;
use crate::{
    config::{Config, Database},
    domain::jwt::base64url,
    files::is_planted,
    flows::steps::disk::NO_FOLLOW,
    random,
};

/// The permission bits that let the group or other users write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The end of the name of a prepared database, which waits to take the place of the database.
pub(in crate::flows) const PREPARED: &str = ".restoring";

/// The end of the name of the lock file of those who open the database.
const OPENING_LOCK: &str = ".opening-lock";

/// The maximum number of symbolic links in a row that are followed, the same number as in Linux.
const MAX_LINKS: usize = 40;

/// How long a server waits for its lock. A command has this lock for an instant while it checks whether a server runs.
const SERVER_PATIENCE: Duration = Duration::from_millis(250);

/// How long a process waits while another process opens the database, migrations included.
const OPENING_PATIENCE: Duration = Duration::from_secs(120);

/// The interval between two attempts to take a lock.
const RETRY_EVERY: Duration = Duration::from_millis(5);

/// The paths of the root secret and of the database.
pub(in crate::flows) struct DataPaths {
    /// The path of the file `secret.key`, which may be absent.
    pub(in crate::flows) secret: PathBuf,
    /// The path of the database without symbolic links, so that every path to the file leads to the same locks.
    pub(in crate::flows) database: PathBuf,
}

impl DataPaths {
    /// Returns the paths of a database that exists.
    ///
    /// # Errors
    /// [`OpenError::NoDatabase`] if it does not exist, and otherwise as [`DataPaths::find`].
    pub(in crate::flows) fn of_existing(config: &Config) -> Result<Self, OpenError> {
        require_database(config)?;
        // A database that exists is not a temporary one.
        Ok(Self::find(config)?.0)
    }

    /// Returns the paths that `config` names, and creates their directories. Opens no file. For a temporary database, the
    /// second value is its directory, which is deleted when the value is dropped. Fails if a directory can't be created, or if
    /// the group or other users can write to it.
    pub(in crate::flows) fn find(config: &Config) -> Result<(Self, Option<TemporaryDirectory>), OpenError> {
        let (directory, database, temporary) = match &config.storage.database {
            Database::File(path) => (config.storage.data_dir.clone(), path.clone(), None),
            Database::Temporary => {
                let temporary = TemporaryDirectory::new()?;
                (temporary.0.clone(), temporary.0.join("vestibule.db"), Some(temporary))
            }
        };
        // The default is in the working directory. A directory that is named was chosen.
        if directory.is_relative() && is_planted(&directory) {
            return Err(OpenError::Planted(directory));
        }
        make_directory(&directory)?;
        refuse_writable_by_others(&directory)?;
        let database = without_links(&database)?;
        if let Some(parent) = database.parent() {
            refuse_writable_by_others(parent)?;
        }
        Ok((Self { secret: directory.join("secret.key"), database }, temporary))
    }

    /// Returns whether the database file exists and is not empty.
    pub(in crate::flows) fn database_exists(&self) -> bool {
        fs::metadata(&self.database).is_ok_and(|file| file.len() > 0)
    }

    /// Returns whether a write-ahead log has content. After an orderly stop it has none.
    pub(super) fn has_unfolded_log(&self) -> bool {
        fs::metadata(with_suffix(&self.database, "-wal")).is_ok_and(|file| file.len() > 0)
    }

    /// Refuses a database whose restore was interrupted: the old database may already be put aside, so that a start would
    /// create an empty one.
    pub(super) fn refuse_interrupted_restore(&self) -> Result<(), OpenError> {
        match with_suffix(&self.database, PREPARED).exists() {
            true => Err(OpenError::RestoreInterrupted(self.database.clone())),
            false => Ok(()),
        }
    }

    /// Returns the file whose content says that there was a database: the lock file of those who open it.
    fn mark(&self) -> PathBuf {
        with_suffix(&self.database, OPENING_LOCK)
    }

    /// Returns whether there was a database once.
    fn had_database(&self) -> bool {
        fs::metadata(self.mark()).is_ok_and(|file| file.len() > 0)
    }

    /// Records that there is a database, so that no empty one is created in its place if it vanishes. An error is ignored: then
    /// it is not recorded. The caller has the lock of [`lock_opening`].
    pub(super) fn record_database(&self) {
        if !self.had_database() {
            let opened = OpenOptions::new().write(true).custom_flags(NO_FOLLOW).open(self.mark());
            opened.and_then(|mut file| io::Write::write_all(&mut file, b"the database exists\n")).ok();
        }
    }

    /// Creates the database file if it is absent. Only its owner can read the new file. SQLite creates its log with the same
    /// mode. The caller has the lock of [`lock_opening`].
    ///
    /// # Errors
    /// [`OpenError`] if the file can't be created, is a directory, has a second hard link, is mounted as a single file, or is
    /// writable by its group or other users.
    pub(super) fn create_database_file(&self) -> Result<(), OpenError> {
        let failed = |cause| OpenError::File { action: "open the database", path: self.database.clone(), cause };
        if !self.database.exists() && self.had_database() {
            return Err(OpenError::DatabaseGone { database: self.database.clone(), mark: self.mark() });
        }
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.database) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let found = fs::metadata(&self.database).map_err(failed)?;
                if found.is_dir() {
                    return Err(failed(ErrorKind::IsADirectory.into()));
                }
                // A server that uses the other name of the file would find other locks and another log.
                if found.nlink() > 1 {
                    return Err(OpenError::HardLink(self.database.clone()));
                }
                if is_mount_point(&self.database) {
                    return Err(OpenError::MountPoint(self.database.clone()));
                }
                refuse_writable_by_others(&self.database)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// Checks that the database of `config` exists. Creates nothing. A temporary database belongs to the process that created
/// it, so it does not exist for others.
pub(super) fn require_database(config: &Config) -> Result<(), OpenError> {
    let database = match &config.storage.database {
        Database::Temporary => "sqlite::memory:".into(),
        Database::File(path) => match fs::metadata(path) {
            Ok(file) if file.len() == 0 => path.clone(),
            Err(error) if error.kind() == ErrorKind::NotFound => path.clone(),
            // Any other error has a better message when the file is opened.
            _ => return Ok(()),
        },
    };
    Err(OpenError::NoDatabase { database, directory: config.storage.data_dir.clone() })
}

/// Returns whether a file is mounted by itself, as a file of a container's volume can be. Always returns `false` on systems
/// other than Linux.
fn is_mount_point(file: &Path) -> bool {
    fs::read("/proc/self/mountinfo").is_ok_and(|mounts| has_mount_point(&mounts, file))
}

/// Returns whether `mounts` contains `path` as a mount point, which is the fifth field of a line. In that field, white space
/// and backslashes are written in octal (proc_pid_mountinfo(5)).
fn has_mount_point(mounts: &[u8], path: &Path) -> bool {
    let written = path.as_os_str().as_bytes().iter().flat_map(|byte| match byte {
        b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
        _ => vec![*byte],
    });
    let written: Vec<u8> = written.collect();
    let mut lines = mounts.split(|byte| *byte == b'\n');
    lines.any(|line| line.split(|byte| *byte == b' ').nth(4) == Some(written.as_slice()))
}

/// Returns the path with a suffix after the name of the file.
pub(in crate::flows) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut with = path.as_os_str().to_owned();
    with.push(suffix);
    PathBuf::from(with)
}

/// Creates a directory and its parents if they are absent. Only the owner can access a new directory.
pub(super) fn make_directory(path: &Path) -> Result<(), OpenError> {
    create_directory(path).map_err(|cause| OpenError::File {
        action: "make the directory",
        path: path.to_owned(),
        cause,
    })
}

/// Creates a directory and its parents, as [`make_directory`] does, and syncs the parent of each new one. Otherwise a power cut
/// could remove a new directory together with everything that was synced in it.
pub(in crate::flows) fn create_directory(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let absent: Vec<&Path> = path.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
    absent.into_iter().try_for_each(|created| match sync_directory(created) {
        // The owner of the parent lets this process create entries in it and not read it, so it can't be synced.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    })
}

/// Syncs the directory of a file, so that a created or renamed file is still there after a crash.
pub(in crate::flows) fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// Refuses a directory or a database file to which its group or other users can write: they could replace the secret, the
/// database or a row.
///
/// # Errors
/// [`OpenError::WritableByOthers`]; [`OpenError::File`] if the path can't be examined.
pub(in crate::flows) fn refuse_writable_by_others(path: &Path) -> Result<(), OpenError> {
    let failed = |cause| OpenError::File { action: "examine", path: path.to_owned(), cause };
    let mode = fs::metadata(path).map_err(failed)?.mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS == 0 {
        Ok(())
    } else {
        Err(OpenError::WritableByOthers { path: path.to_owned(), mode })
    }
}

/// Returns the path of the file to which `path` leads, without symbolic links. The file may be absent. Creates the directory of
/// the file, and the directories of the links on the way.
fn without_links(path: &Path) -> Result<PathBuf, OpenError> {
    let failed = |cause| OpenError::File { action: "find the database", path: path.to_owned(), cause };
    let mut file = path.to_owned();
    for _ in 0..MAX_LINKS {
        let name = file.file_name().ok_or_else(|| failed(ErrorKind::InvalidFilename.into()))?.to_owned();
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_directory(parent)?;
        let directory = fs::canonicalize(parent).map_err(failed)?;
        file = directory.join(name);
        match fs::read_link(&file) {
            Ok(target) => file = directory.join(target),
            // `EINVAL` means that the path is not a link.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => return Ok(file),
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(io::Error::other("too many symbolic links")))
}

/// A temporary directory. It is deleted when the value is dropped.
pub(in crate::flows) struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    /// Creates a directory with a random name in the system's directory for temporary files.
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

/// Takes the lock of the one server. The system releases the lock when the process ends, even after a crash.
///
/// # Errors
/// [`OpenError::Locked`] if another process has the lock for 250 milliseconds.
pub(in crate::flows) async fn lock(database: &Path) -> Result<File, OpenError> {
    let lock = lock_within(database, ".lock", SERVER_PATIENCE).await?;
    lock.ok_or_else(|| OpenError::Locked(database.to_owned()))
}

/// Takes the lock of a process that opens the database. So one process at a time creates the file and its secret, migrates
/// the tables, and creates the first signing key. The other processes wait at most two minutes.
///
/// # Errors
/// [`OpenError::BeingOpened`] if another process has the lock for longer.
pub(in crate::flows) async fn lock_opening(database: &Path) -> Result<File, OpenError> {
    let lock = lock_within(database, OPENING_LOCK, OPENING_PATIENCE).await?;
    lock.ok_or_else(|| OpenError::BeingOpened(database.to_owned()))
}

/// Takes the lock of a process that replaces the root secret. Returns `None` if another process has this lock.
pub(super) fn lock_secret(database: &Path) -> Result<Option<File>, OpenError> {
    try_lock_file(database, ".secret-lock")
}

/// Returns whether a server has the database open. Returns `false` if the lock file can't be used.
pub(in crate::flows) fn server_runs(database: &Path) -> bool {
    matches!(try_lock_file(database, ".lock"), Ok(None))
}

/// Tries to take a lock until `patience` has passed. Returns `None` if another process has the lock for all that time.
async fn lock_within(database: &Path, suffix: &str, patience: Duration) -> Result<Option<File>, OpenError> {
    let attempts = async {
        loop {
            match try_lock_file(database, suffix)? {
                None => tokio::time::sleep(RETRY_EVERY).await,
                lock => return Ok(lock),
            }
        }
    };
    tokio::time::timeout(patience, attempts).await.unwrap_or(Ok(None))
}

/// Changes the owner of a file to the owner of its directory. A command that runs as root may have created the file, and a
/// server that runs as that owner must be able to open it. An error is ignored: only root can change the owner of a file, and
/// only a file of root needs the change.
pub(in crate::flows) fn give_to_owner_of_directory(file: &File, path: &Path) {
    // Another link to the file would be in a place that the owner of the directory may not reach.
    if !file.metadata().is_ok_and(|found| found.is_file() && found.nlink() == 1) {
        return;
    }
    let owner = |found: io::Result<fs::Metadata>| found.ok().map(|found| (found.uid(), found.gid()));
    let (has, wants) = (owner(file.metadata()), owner(fs::metadata(path.parent().unwrap_or(path))));
    if let Some((user, group)) = wants.filter(|_| has != wants) {
        fchown(file, Some(user), Some(group)).ok();
    }
}

/// Tries once to take the lock of the file `database` + `suffix`, which is created if it is absent. Returns `None` if another
/// process has the lock.
fn try_lock_file(database: &Path, suffix: &str) -> Result<Option<File>, OpenError> {
    let path = with_suffix(database, suffix);
    let failed = |cause| OpenError::File { action: "lock", path: path.clone(), cause };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(NO_FOLLOW);
    let file = options.open(&path).map_err(failed)?;
    give_to_owner_of_directory(&file, &path);
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::has_mount_point;

    #[test]
    fn a_mount_point_is_found_by_its_whole_path_with_octal_escapes() {
        let mounts = b"22 1 254:1 / / rw - ext4 /dev/vda1 rw\n\
            41 22 254:1 /srv/v.db /data/v.db rw,relatime shared:1 - ext4 /dev/vda1 rw\n\
            42 22 254:1 /x /a\\040b\\134c/v.db rw - ext4 /dev/vda1 rw\n";
        for (path, expected) in [
            ("/data/v.db", true),
            ("/a b\\c/v.db", true),
            ("/srv/v.db", false),
            ("/data", false),
            ("/data/v.db-wal", false),
            ("/a\\040b\\134c/v.db", false),
        ] {
            assert_eq!(has_mount_point(mounts, Path::new(path)), expected, "{path}");
        }
        assert!(!has_mount_point(b"", Path::new("/data/v.db")));
    }
}

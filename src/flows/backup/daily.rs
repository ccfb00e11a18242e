//! Daily: the copies that the server makes by itself, and the removal of those that are no longer kept.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    domain::{
        UnixTime,
        backup::{BackupName, Schedule},
        jwt::base64url,
    },
    flows::{
        Vestibule,
        open::{
            data_paths::{create_directory, refuse_writable_by_others, with_suffix},
            error::OpenError,
        },
        steps::{
            copy::{Copied, CopyError, Draft, chain, copy, sync_parent},
            disk,
        },
    },
    memory::backups::Backups,
    random,
    store::{self, ChangeMark, meta},
};

/// The file in the directory of the copies that names the database to which they belong. Its lock keeps a second server away.
const OWNER_FILE: &str = ".vestibule";

/// The key in `meta` for the random id of the database, by which its copies are recognised.
const DATABASE_ID_KEY: &str = "database_id";

/// Seconds after which an attempt that failed is repeated, if the interval is not shorter.
const RETRY_AFTER: i64 = 10 * 60;

/// The reason for which a copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The directory can't be used.
    #[error("can't use the directory of the copies {}", path.display())]
    Directory {
        /// The path of the directory or of a file in it.
        path: PathBuf,
        /// The error of the system.
        #[source]
        cause: io::Error,
    },
    /// The directory may be written by others.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another database has its copies in this directory, or another server uses it at the moment.
    #[error(
        "{} has the copies of another database; choose another backup_dir, or delete the file {OWNER_FILE} in it if they are of this \
         database after all",
        .0.display()
    )]
    Foreign(PathBuf),
    /// A copy would fill the last fifth of the disk.
    #[error(
        "the disk of {} has {} MiB free of {}, and a copy of {} MiB must leave a fifth of it free; free space, or choose another \
         backup_dir",
        directory.display(),
        free >> 20,
        total >> 20,
        (bytes >> 20) + 1
    )]
    NoRoom {
        /// The directory of the copies.
        directory: PathBuf,
        /// The bytes that are free.
        free: u64,
        /// The bytes of the disk.
        total: u64,
        /// The bytes that a copy may need.
        bytes: u64,
    },
    /// The copy failed.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The task that makes copies. It remembers what was written when it made the last one.
#[derive(Default)]
pub struct Daily {
    copied: Option<ChangeMark>,
}

impl Daily {
    /// Makes a copy if one is due and something has changed, and removes the copies that are no longer kept. Returns the new
    /// copy; `None` if none was made. Records the outcome in the memory of the server.
    ///
    /// # Errors
    /// [`BackupError`]. The earlier copies are still there.
    pub async fn run(&mut self, vestibule: &Vestibule, now: UnixTime) -> Result<Option<Copied>, BackupError> {
        let Some(schedule) = vestibule.config.storage.backups() else { return Ok(None) };
        let failed_at = vestibule.backups.state().problem.map(|(at, _)| at);
        if failed_at.is_some_and(|at| (0..RETRY_AFTER.min(schedule.interval)).contains(&now.since(at))) {
            return Ok(None);
        }
        let done = self.back_up(vestibule, schedule, now).await;
        note(&vestibule.backups, now, done.as_ref().map(Option::as_ref));
        done
    }

    async fn back_up(
        &mut self,
        vestibule: &Vestibule,
        schedule: Schedule,
        now: UnixTime,
    ) -> Result<Option<Copied>, BackupError> {
        let directory = Directory::open(vestibule).await?;
        let newest = directory.list()?.into_iter().max();
        vestibule.backups.update(|state| {
            state.last = newest.map(BackupName::made_at);
            state.current_at = state.current_at.max(state.last);
            state.shares_disk = disk::is_same(&directory.path, &vestibule.database);
        });
        if !schedule.is_due(newest, now) {
            return Ok(None);
        }
        let mark = vestibule.store.change_mark().await?;
        let is_unchanged = newest.is_some() && self.copied == Some(mark);
        let copied = match is_unchanged {
            true => {
                vestibule.backups.update(|state| state.current_at = Some(now));
                None
            }
            false => {
                directory.check_room(&vestibule.database)?;
                let copied =
                    copy(&vestibule.database, &directory.path.join(BackupName::new(now).to_string()), now).await?;
                self.copied = Some(mark);
                Some(copied)
            }
        };
        directory.prune(schedule, now)?;
        Ok(copied)
    }
}

/// Records the outcome of an attempt.
fn note(backups: &Backups, now: UnixTime, outcome: Result<Option<&Copied>, &BackupError>) {
    backups.update(|state| match outcome {
        Ok(copied) => {
            state.problem = None;
            if let Some(copied) = copied {
                (state.last, state.current_at) = (Some(now), Some(now));
                state.bytes = copied.bytes;
            }
        }
        Err(error) => {
            state.failures += 1;
            state.problem = Some((now, chain(error)));
        }
    });
}

/// The directory of the copies, with its lock.
struct Directory {
    path: PathBuf,
    /// The lock ends when the value is dropped.
    _lock: File,
}

impl Directory {
    /// Creates the directory if it is absent, and takes its lock.
    async fn open(vestibule: &Vestibule) -> Result<Self, BackupError> {
        let path = vestibule.config.storage.backup_dir.clone();
        let failed = |cause| BackupError::Directory { path: path.clone(), cause };
        create_directory(&path).map_err(failed)?;
        refuse_writable_by_others(&path)?;
        let id = database_id(vestibule).await?;
        let owner = path.join(OWNER_FILE);
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(disk::NO_FOLLOW)
            .open(&owner);
        let mut lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Foreign(path)),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let written = io::read_to_string(&lock).map_err(failed)?;
        if written.is_empty() {
            io::Write::write_all(&mut lock, id.as_bytes()).map_err(failed)?;
        } else if written.trim() != id {
            return Err(BackupError::Foreign(path));
        }
        Ok(Self { path, _lock: lock })
    }

    /// Returns the copies, and removes what is left of copies that were interrupted: nobody else writes here.
    fn list(&self) -> Result<Vec<BackupName>, BackupError> {
        let failed = |cause| BackupError::Directory { path: self.path.clone(), cause };
        let mut copies = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with(".vestibule-") && name.contains(Draft::SUFFIX) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
            copies.extend(BackupName::parse(&name));
        }
        Ok(copies)
    }

    /// Refuses to write a copy into the last fifth of the disk.
    fn check_room(&self, database: &Path) -> Result<(), BackupError> {
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let bytes = size(database) + size(&with_suffix(database, "-wal"));
        let space =
            disk::space(&self.path).map_err(|cause| BackupError::Directory { path: self.path.clone(), cause })?;
        match space.has_room_for(bytes) {
            true => Ok(()),
            false => {
                Err(BackupError::NoRoom { directory: self.path.clone(), free: space.free, total: space.total, bytes })
            }
        }
    }

    /// Removes the copies that are no longer kept.
    fn prune(&self, schedule: Schedule, now: UnixTime) -> Result<(), BackupError> {
        for outdated in schedule.outdated(self.list()?, now) {
            let path = self.path.join(outdated.to_string());
            fs::remove_file(&path).map_err(|cause| BackupError::Directory { path: path.clone(), cause })?;
        }
        sync_parent(&self.path.join(OWNER_FILE))
            .map_err(|cause| BackupError::Directory { path: self.path.clone(), cause })
    }
}

/// Returns the random id of the database, which every copy of it has too.
async fn database_id(vestibule: &Vestibule) -> store::Result<String> {
    if let Some(id) = meta::find(&mut *vestibule.store.read().await?, DATABASE_ID_KEY).await? {
        return Ok(id);
    }
    let id = base64url(&random::bytes::<16>());
    vestibule.store.write(async move |tx| meta::find_or_set(tx, DATABASE_ID_KEY, &id).await).await
}

//! Copy: writes a consistent copy of the database into a file, while servers and commands go on writing. A copy counts only
//! after it was opened and checked. Until then it has another name, so a file with the name of a copy is always a whole and
//! sound one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{
    domain::{UnixTime, jwt::base64url},
    flows::{
        open::data_paths::{give_to_owner_of_directory, sync_directory, with_suffix},
        steps::check::{check_database, refuse_other_files},
    },
    random,
    store::{self, file, meta},
};

/// The key in `meta` of a copy for the time at which it was made.
pub const COPIED_AT: &str = "copied_at";

/// A finished copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The path of the file.
    pub file: PathBuf,
    /// The size of the file.
    pub bytes: u64,
}

/// The reason for which there is no copy. Nothing was left behind, and a file that has the name already is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The path can't be the file of a copy.
    #[error("can't write a copy to {}: {why}", path.display())]
    Target {
        /// The path.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: &'static str,
    },
    /// A file can't be created, synced or renamed.
    #[error("can't write the copy {}", path.display())]
    File {
        /// The path of the copy.
        path: PathBuf,
        /// The error of the system.
        #[source]
        cause: io::Error,
    },
    /// The database can't be read, or the copy can't be written.
    #[error("can't copy the database {} to {}", database.display(), path.display())]
    Store {
        /// The path of the database.
        database: PathBuf,
        /// The path of the copy.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        cause: store::Error,
    },
    /// The copy was written and is not sound, so the database itself is damaged.
    #[error(
        "the copy of {} is not sound, so it was not kept: {}; run `vestibule check`, and keep the earlier copies",
        database.display(),
        problems.join("; ")
    )]
    Unsound {
        /// The path of the database.
        database: PathBuf,
        /// What is wrong with the copy.
        problems: Vec<String>,
    },
}

impl CopyError {
    /// Returns the message of the error and of its causes.
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// Returns the message of an error and of its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let sentence = error.to_string();
        if !text.contains(&sentence) {
            text = format!("{text}: {sentence}");
        }
        cause = error.source();
    }
    text
}

/// Copies the database into `target`, and checks the copy. An earlier copy of this name is replaced at the end, in one step.
/// Only the owner can read the file.
///
/// # Errors
/// [`CopyError`]. Then the earlier copy is unchanged, and nothing is left of the new one.
pub async fn copy(database: &Path, target: &Path, now: UnixTime) -> Result<Copied, CopyError> {
    refuse_target(database, target)?;
    let failed = |cause| CopyError::File { path: target.to_owned(), cause };
    let draft = Draft::create(target).map_err(failed)?;
    write(database, &draft.path, now).await.map_err(|error| match error {
        WriteError::Store(cause) => CopyError::Store { database: database.to_owned(), path: target.to_owned(), cause },
        WriteError::Unsound(problems) => CopyError::Unsound { database: database.to_owned(), problems },
    })?;
    let bytes = draft.publish(target).map_err(failed)?;
    Ok(Copied { file: target.to_owned(), bytes })
}

/// The reason for which the content of a copy could not be written.
enum WriteError {
    Store(store::Error),
    Unsound(Vec<String>),
}

impl From<store::Error> for WriteError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// Writes the content of a copy, and checks it.
async fn write(database: &Path, draft: &Path, now: UnixTime) -> Result<(), WriteError> {
    let mut original = file::open(database).await?;
    let copied = file::copy_into(&mut original, draft).await;
    file::close(original).await?;
    copied?;
    let mut conn = file::open(draft).await?;
    let checked = async {
        file::make_single_file(&mut conn).await?;
        meta::set(&mut conn, COPIED_AT, &now.to_string()).await?;
        Ok::<_, store::Error>(check_database(&mut conn, now).await)
    }
    .await;
    file::close(conn).await?;
    match checked?.problems() {
        problems if problems.is_empty() => Ok(()),
        problems => Err(WriteError::Unsound(problems)),
    }
}

/// Refuses a path that must not be replaced by a copy: a directory, a file that is not a database, the database itself, and a
/// database that some server uses.
fn refuse_target(database: &Path, target: &Path) -> Result<(), CopyError> {
    let refused = |why| Err(CopyError::Target { path: target.to_owned(), why });
    if is_beside(database, target) {
        return refused("this name is for the files of the database itself; name another file");
    }
    let found = match fs::symlink_metadata(target) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return match target.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                Some(parent) if !parent.is_dir() => refused("its directory does not exist; create it first"),
                _ => Ok(()),
            };
        }
        Err(cause) => return Err(CopyError::File { path: target.to_owned(), cause }),
    };
    let identity = |found: &fs::Metadata| (found.dev(), found.ino());
    if fs::metadata(target).ok().map(|found| identity(&found)) == fs::metadata(database).ok().map(|own| identity(&own))
    {
        return refused("this is the database itself; name another file");
    }
    if found.is_dir() {
        return refused("it is a directory; name a file in it");
    }
    if ["-wal", ".lock", ".opening-lock"].iter().any(|suffix| with_suffix(target, suffix).exists()) {
        return refused("it is a database that a server uses or has used, not a copy; name another file");
    }
    if refuse_other_files(target).is_err() {
        return refused("this file exists and is not a copy of a database; name another file");
    }
    Ok(())
}

/// Returns whether a path is one of the files beside the database: its log and its locks, or the root secret.
fn is_beside(database: &Path, target: &Path) -> bool {
    let directory = |path: &Path| {
        fs::canonicalize(path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))).ok()
    };
    let (own, name) = (database.file_name().unwrap_or_default(), target.file_name().unwrap_or_default());
    let is_reserved = name.to_string_lossy().starts_with(&*own.to_string_lossy()) && name != own;
    (is_reserved || name.to_string_lossy().starts_with("secret.key")) && directory(target) == directory(database)
}

/// The file of a copy that is not finished. It is removed when the value is dropped.
pub struct Draft {
    /// The path of the file.
    pub path: PathBuf,
    /// The file as it was created, so that no other one is published in its place.
    file: File,
}

impl Draft {
    /// The end of the name of every draft.
    pub const SUFFIX: &str = ".partial";

    /// Creates an empty draft in the directory of `target`. Only its owner can read it.
    pub fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or(ErrorKind::InvalidFilename)?.to_string_lossy();
        let draft = target.with_file_name(format!(".{name}.{}{}", base64url(&random::bytes::<6>()), Self::SUFFIX));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&draft)?;
        Ok(Self { path: draft, file })
    }

    /// Syncs the draft and gives it its final name. Returns its size.
    pub fn publish(self, target: &Path) -> io::Result<u64> {
        let (created, found) = (self.file.metadata()?, fs::symlink_metadata(&self.path)?);
        if (created.dev(), created.ino()) != (found.dev(), found.ino()) {
            return Err(io::Error::other("another program has replaced the file while it was written"));
        }
        self.file.sync_all()?;
        give_to_owner_of_directory(&self.file, &self.path);
        let bytes = created.len();
        fs::rename(&self.path, target)?;
        sync_parent(target)?;
        Ok(bytes)
    }
}

/// Syncs the directory of a file, also if the path is only the name of the file.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    sync_directory(&std::path::absolute(path)?)
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After `publish` there is nothing left to remove.
        for suffix in ["", "-journal", "-wal", "-shm"] {
            fs::remove_file(with_suffix(&self.path, suffix)).ok();
        }
    }
}

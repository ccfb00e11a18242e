//! The root secret: its file, and the check that it belongs to the database.
//!
//! The root secret comes from the configuration, or from the file `secret.key` in the data directory. The file is replaced in
//! three steps:
//!
//! 1. The new secret is written to `secret.key.new`.
//! 2. One transaction moves the database to the new secret.
//! 3. `secret.key.new` is renamed to `secret.key`.
//!
//! So at any moment the secret that the database knows is in one of these files. A process that opens the database uses that
//! file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    data_paths::{lock_secret, sync_directory},
    error::OpenError,
};
use crate::{
    config::Config,
    domain::{RootSecret, jwt::base64url},
    files::plain,
    flows::steps::signing::RECOGNITION_KEY,
    random,
    store::{self, Store, meta},
};

/// The key in `meta` for the first root secret, sealed under the present root secret.
pub(super) const FIRST_SECRET_KEY: &str = "first_secret";

/// The greatest number of bytes that are read from the file of a root secret.
const MAX_SECRET: u64 = 4096;

/// The least number of bytes of a root secret.
const LEAST_BYTES: usize = 32;

/// The configuration and the paths that determine the root secret.
pub(super) struct RootSecretLookup<'s> {
    pub(super) config: &'s Config,
    /// The path of `secret.key` in the data directory.
    pub(super) file: &'s Path,
    /// The path of the database, whose lock files are beside it.
    pub(super) database: &'s Path,
}

impl RootSecretLookup<'_> {
    /// Returns the root secret before the database is opened. Creates a root secret if neither a secret nor a database exists.
    /// Whether the secret belongs to the database is checked later, by [`RootSecretLookup::recognise`].
    ///
    /// # Errors
    /// [`OpenError::SecretMissing`] if a database exists without its secret. [`OpenError::SecretShort`] or
    /// [`OpenError::File`] if the secret can't be read.
    pub(super) fn find_or_create(&self, database_existed: bool) -> Result<RootSecret, OpenError> {
        if let Some(secret) = self.config.keys.root_secret() {
            return Ok(RootSecret::new(secret.expose()));
        }
        let missing = || OpenError::SecretMissing { secret: self.file.to_owned(), database: self.database.to_owned() };
        match (read(self.file)?, database_existed) {
            (Some(secret), _) => Ok(secret),
            // `recover` may have stopped after it moved a foreign secret away and before it renamed the draft.
            (None, true) => read_finished(&draft_of(self.file))?.ok_or_else(missing),
            (None, false) => {
                create(self.file).map_err(|cause| OpenError::File {
                    action: "make the root secret",
                    path: self.file.to_owned(),
                    cause,
                })?;
                read(self.file)?.ok_or_else(missing)
            }
        }
    }

    /// Returns the root secret that belongs to the database: `first`, or the secret by which another process replaces `first`.
    /// A new database, which has no recognition value yet, takes the recognition value of `first`.
    ///
    /// # Errors
    /// [`OpenError::SecretForeign`] if no secret that can be found belongs to the database.
    pub(super) async fn recognise(&self, store: &Store, first: RootSecret) -> Result<RootSecret, OpenError> {
        let mut fitting = self.choose_secret(store, &first).await?;
        if fitting.is_none() {
            // Another process may have replaced the secret between the two reads, or may have stopped before it renamed the
            // file.
            fitting = self.choose_secret(store, &first).await?;
        }
        fitting.ok_or_else(|| OpenError::SecretForeign(self.database.to_owned()))
    }

    /// Returns the secret whose recognition value is in the database: `first`, the draft, or the file. Returns `None` if no
    /// such secret is found.
    async fn choose_secret(&self, store: &Store, first: &RootSecret) -> Result<Option<RootSecret>, OpenError> {
        let found = meta::find(&mut *store.read().await?, RECOGNITION_KEY).await?;
        let known = match found {
            Some(known) => known,
            None => {
                let recognition = first.recognition();
                store.write(async move |tx| meta::find_or_set(tx, RECOGNITION_KEY, &recognition).await).await?
            }
        };
        if first.recognition() == known {
            return Ok(Some(first.clone()));
        }
        // A configured secret has no file and no draft.
        if self.config.keys.root_secret().is_some() {
            return Ok(None);
        }
        let is_known = |secret: &RootSecret| secret.recognition() == known;
        if let Some(secret) = read_finished(&draft_of(self.file))?.filter(is_known) {
            self.promote_known_draft(&known)?;
            return Ok(Some(secret));
        }
        Ok(read(self.file)?.filter(is_known))
    }

    /// Renames the draft that the database knows, unless the process that wrote the draft has the lock and is about to rename
    /// it. The draft is read again under the lock: it may have been replaced by a draft that the database does not know yet.
    fn promote_known_draft(&self, known: &str) -> Result<(), OpenError> {
        let Some(lock) = lock_secret(self.database)? else { return Ok(()) };
        if read_finished(&draft_of(self.file))?.is_some_and(|secret| secret.recognition() == known) {
            promote_draft(self.file)?;
        }
        drop(lock);
        Ok(())
    }
}

/// Returns whether a root secret that can be found belongs to the database at `database`. Changes nothing. A database that
/// knows no root secret yet takes any.
///
/// # Errors
/// [`OpenError::SecretMissing`] if there is no root secret, neither in the configuration nor in a file; as [`read`] if it can't
/// be read; [`OpenError::Store`] if the database can't be read.
pub(in crate::flows) async fn is_secret_of(config: &Config, file: &Path, database: &Path) -> Result<bool, OpenError> {
    let secrets = match config.keys.root_secret() {
        Some(secret) => vec![RootSecret::new(secret.expose())],
        None => [read(file)?, read_finished(&draft_of(file))?].into_iter().flatten().collect(),
    };
    if secrets.is_empty() {
        return Err(OpenError::SecretMissing { secret: file.to_owned(), database: database.to_owned() });
    }
    let mut conn = store::file::open(database).await?;
    let known = meta::find(&mut conn, RECOGNITION_KEY).await?;
    store::file::close(conn).await?;
    Ok(known.is_none_or(|known| secrets.iter().any(|secret| secret.recognition() == known)))
}

/// Returns the path to which the successor of a secret is written first.
fn draft_of(file: &Path) -> PathBuf {
    file.with_extension("key.new")
}

/// Reads the secret in a file, without white space at its beginning and end. Returns `None` if there is no file.
///
/// # Errors
/// [`OpenError::SecretShort`] if the file has fewer than 32 bytes; [`OpenError::File`] if it can't be read.
fn read(path: &Path) -> Result<Option<RootSecret>, OpenError> {
    let bytes = match read_bytes(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => {
            return Err(OpenError::File { action: "read the root secret", path: path.to_owned(), cause });
        }
    };
    let secret = bytes.trim_ascii();
    if secret.len() < LEAST_BYTES {
        Err(OpenError::SecretShort(path.to_owned()))
    } else {
        Ok(Some(RootSecret::new(secret)))
    }
}

/// Reads the secret in a draft. Returns `None` if there is no draft, or if the draft is unfinished: it has fewer than 32 bytes.
fn read_finished(draft: &Path) -> Result<Option<RootSecret>, OpenError> {
    match read(draft) {
        Err(OpenError::SecretShort(_)) => Ok(None),
        read => read,
    }
}

/// Reads at most [`MAX_SECRET`] bytes of a file. Warns if the group or other users can access it.
fn read_bytes(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others on this machine can read the root secret; chmod 600 it");
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_SECRET).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(plain(&bytes).map_err(io::Error::other)?.to_vec()))
}

/// Creates a file with a new secret. If another process has created the file in the meantime, keeps that file. The link at the
/// end ensures that the file is complete as soon as it exists.
fn create(path: &Path) -> io::Result<()> {
    let draft = path.with_extension(format!("key.{}", base64url(&random::bytes::<6>())));
    write_new(&draft)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_directory(path)
}

/// Writes a successor of the secret in `file` to the draft, and returns the successor. The caller has the lock and passes the
/// recognition value of the secret that the database knows. If the present draft is that secret, because a process stopped
/// before it renamed the draft, the draft is renamed first.
pub(super) fn write_draft(file: &Path, known: Option<&str>) -> Result<RootSecret, OpenError> {
    let draft = draft_of(file);
    // Any other draft is deleted below. It was never used: no database knows it.
    if read_finished(&draft)?.is_some_and(|secret| Some(secret.recognition().as_str()) == known) {
        promote_draft(file)?;
    }
    let written = || {
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        write_new(&draft)?;
        sync_directory(&draft)
    };
    written().map_err(|cause| OpenError::File { action: "write the root secret", path: draft.clone(), cause })?;
    read(&draft)?.ok_or_else(|| OpenError::SecretShort(draft))
}

/// Renames the draft to the file of the secret. The database must already use the new secret. The caller has the lock.
pub(super) fn promote_draft(file: &Path) -> Result<(), OpenError> {
    let renamed = || {
        fs::rename(draft_of(file), file)?;
        sync_directory(file)
    };
    renamed().map_err(|cause| OpenError::File { action: "replace the root secret", path: file.to_owned(), cause })
}

/// Renames the file if its secret does not belong to this database or is too short. The file is not deleted, because it may
/// belong to another database. Returns the new path, or `None` if there is no such file.
pub(super) fn set_aside(file: &Path, known: Option<&str>) -> Result<Option<PathBuf>, OpenError> {
    match read(file) {
        Ok(Some(secret)) if Some(secret.recognition().as_str()) == known => return Ok(None),
        Ok(None) => return Ok(None),
        Ok(Some(_)) | Err(OpenError::SecretShort(_)) => {}
        Err(error) => return Err(error),
    }
    let aside = file.with_extension(format!("key.{}", base64url(&random::bytes::<6>())));
    let failed = |cause| OpenError::File { action: "put aside the root secret", path: file.to_owned(), cause };
    fs::rename(file, &aside).map_err(failed)?;
    Ok(Some(aside))
}

/// Creates a file with a new secret of 32 random bytes in base64url, and syncs it. Only the owner can read the file.
fn write_new(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let line = Zeroizing::new(format!("{}\n", base64url(&random::bytes::<32>())));
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

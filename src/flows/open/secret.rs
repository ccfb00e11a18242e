//! The root secret: where it is, and which one belongs to the database.
//!
//! It comes from the configuration, or is the file `secret.key` in the data directory. When it is replaced there, the new one
//! is written to `secret.key.new` first, then the database takes it in one transaction, then the file is renamed. So at any
//! moment one of the two files is the one that the database knows, and whoever opens it takes that one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{data_paths::lock_secret, error::OpenError};
use crate::{
    config::Config,
    domain::{RootSecret, jwt::base64url},
    flows::steps::signing::RECOGNITION_KEY,
    random,
    store::{Store, meta},
};

/// What the database says of itself: the first root secret, sealed under the one that took its place.
pub(super) const FIRST_SECRET_KEY: &str = "first_secret";

/// Bytes of a root secret's file that are read.
const MAX_SECRET: u64 = 4096;

/// Bytes of a root secret at the least.
const LEAST_BYTES: usize = 32;

/// What the search for the root secret rests on.
pub(super) struct RootSecretLookup<'s> {
    pub(super) config: &'s Config,
    /// `secret.key` in the data directory.
    pub(super) file: &'s Path,
    pub(super) database: &'s Path,
}

impl RootSecretLookup<'_> {
    /// The root secret, before the database is open: makes one where there is neither a secret nor a database.
    pub(super) fn find_or_create(&self, database_existed: bool) -> Result<RootSecret, OpenError> {
        if let Some(secret) = &self.config.keys.root_secret {
            return Ok(RootSecret::new(secret.expose()));
        }
        let missing = || OpenError::SecretMissing { secret: self.file.to_owned(), database: self.database.to_owned() };
        match (read(self.file)?, database_existed) {
            (Some(secret), _) => Ok(secret),
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

    /// The root secret that the database was made with: `first`, or the one that is taking its place.
    pub(super) async fn recognise(&self, store: &Store, first: RootSecret) -> Result<RootSecret, OpenError> {
        let mut fitting = self.choose_secret(store, &first).await?;
        if fitting.is_none() {
            // Another process may have replaced it between the two reads, or may have died before it renamed the file.
            fitting = self.choose_secret(store, &first).await?;
        }
        fitting.ok_or_else(|| OpenError::SecretForeign(self.database.to_owned()))
    }

    async fn choose_secret(&self, store: &Store, first: &RootSecret) -> Result<Option<RootSecret>, OpenError> {
        let found = meta::find(&mut *store.read().await?, RECOGNITION_KEY).await?;
        let known = match found {
            Some(known) => known,
            None => {
                let ours = first.recognition();
                store.write(async move |tx| meta::find_or_set(tx, RECOGNITION_KEY, &ours).await).await?
            }
        };
        if first.recognition() == known {
            return Ok(Some(first.clone()));
        }
        if self.config.keys.root_secret.is_some() {
            return Ok(None);
        }
        let is_known = |secret: &RootSecret| secret.recognition() == known;
        if let Some(secret) = read_finished(&draft_of(self.file))?.filter(is_known) {
            self.promote_known_draft(&known)?;
            return Ok(Some(secret));
        }
        Ok(read(self.file)?.filter(is_known))
    }

    /// Puts the draft that the database knows in the place of the file, unless whoever wrote it is about to. Looks at it
    /// again under the lock: it may be another one by then, which the database doesn't know yet.
    fn promote_known_draft(&self, known: &str) -> Result<(), OpenError> {
        let Some(lock) = lock_secret(self.database)? else { return Ok(()) };
        if read_finished(&draft_of(self.file))?.is_some_and(|secret| secret.recognition() == known) {
            promote_draft(self.file)?;
        }
        drop(lock);
        Ok(())
    }
}

/// Where the successor of a secret is written first.
fn draft_of(file: &Path) -> PathBuf {
    file.with_extension("key.new")
}

/// The secret in a file; none where there is no file.
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

/// The same for a draft, which may lie there unfinished.
fn read_finished(draft: &Path) -> Result<Option<RootSecret>, OpenError> {
    match read(draft) {
        Err(OpenError::SecretShort(_)) => Ok(None),
        read => read,
    }
}

/// The bytes of a secret, of which there are few.
fn read_bytes(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others on this machine can read the root secret; chmod 600 it");
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_SECRET).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a new secret whole, or leaves the one that another process made meanwhile.
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

/// Writes the successor of the secret in `file` beside it, and gives it. The caller holds the lock, and says which secret the
/// database knows: where a process died before it renamed the draft, that is done now.
pub(super) fn write_draft(file: &Path, known: Option<&str>) -> Result<RootSecret, OpenError> {
    let draft = draft_of(file);
    // What else lies there was never finished, and no database knows it.
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

/// Puts the draft in the place of the secret, once the database knows it. The caller holds the lock.
pub(super) fn promote_draft(file: &Path) -> Result<(), OpenError> {
    let renamed = || {
        fs::rename(draft_of(file), file)?;
        sync_directory(file)
    };
    renamed().map_err(|cause| OpenError::File { action: "replace the root secret", path: file.to_owned(), cause })
}

/// Puts a secret aside that is not the one of this database: it may be another's. Where it is then.
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

fn write_new(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let line = Zeroizing::new(format!("{}\n", base64url(&random::bytes::<32>())));
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

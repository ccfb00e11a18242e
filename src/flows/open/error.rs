//! Why a database could not be opened.

use std::{io, path::PathBuf};

use crate::{
    domain::{device::ThresholdsError, exclusions::NotAGlob, redirect::NotAnAddress, signing_key::KeyError},
    memory::hasher::HashError,
    store,
};

/// Why it could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or directory of ours.
    #[error("can't {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        #[source]
        cause: io::Error,
    },
    /// The secret that seals the keys of an existing database is gone.
    #[error(
        "{} is missing, but the database {} was made with it; put it back (it is not in a copy of the database), \
         or set root_secret", secret.display(), database.display()
    )]
    SecretMissing {
        /// Where it should be.
        secret: PathBuf,
        /// What needs it.
        database: PathBuf,
    },
    /// The secret is another one.
    #[error("this root secret does not belong to the database {}; use the one that was beside it", .0.display())]
    SecretForeign(PathBuf),
    /// The secret was replaced while this process used it.
    #[error("the root secret was changed meanwhile; try again")]
    SecretReplaced,
    /// The secret is too short to be one.
    #[error("{} is not a root secret: it must hold at least 32 bytes", .0.display())]
    SecretShort(PathBuf),
    /// The group or others can write in the data directory, in the database's directory, or to the database.
    #[error("its group or others can write {} (mode {mode:o}); run `chmod go-w` on it, or choose another data_dir", path.display())]
    WritableByOthers {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The database has two names, and each would have locks of its own.
    #[error("the database {} has a second hard link; remove the other one, or copy the file", .0.display())]
    HardLink(PathBuf),
    /// The database is mounted by itself. The lock and SQLite's log stand beside it, and are not shared with its other place.
    #[error("the database {} is mounted as a single file; mount its directory instead", .0.display())]
    MountPoint(PathBuf),
    /// Another process has been opening it for two minutes.
    #[error("another process is still opening the database {}; wait until it is done, or end it", .0.display())]
    BeingOpened(PathBuf),
    /// A server runs on it.
    #[error("another server is running on the database {}; stop it first, or choose another data_dir", .0.display())]
    Locked(PathBuf),
    /// The database was made by the other profile.
    #[error("the database {} was made by `vestibule {made_by}` and can't be served by `vestibule {asked}`; choose another data_dir", path.display())]
    Profile {
        /// Which.
        path: PathBuf,
        /// The profile that it is marked with.
        made_by: &'static str,
        /// The profile that wants it.
        asked: &'static str,
    },
    /// A signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The hashing parameters.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The fingerprint thresholds.
    #[error("fingerprint_match and fingerprint_drift: {0}")]
    Thresholds(#[from] ThresholdsError),
    /// The address that clients reach this server by.
    #[error(transparent)]
    Address(#[from] NotAnAddress),
    /// A path that forward authentication lets through.
    #[error(transparent)]
    Excluded(#[from] NotAGlob),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

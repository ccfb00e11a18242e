//! The errors of opening a database.

use std::{io, path::PathBuf};

use crate::{domain::signing_key::KeyError, store};

/// An error of opening a database. [`Vestibule::open`](crate::Vestibule::open) returns it. Its message tells the operator what
/// to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or directory of this server can't be used.
    #[error("can't {action} {}", path.display())]
    File {
        /// The action that failed.
        action: &'static str,
        /// The path of the file or directory.
        path: PathBuf,
        /// The error of the system.
        #[source]
        cause: io::Error,
    },
    /// The clock of the machine is before 1970, so no time of a session would be right.
    #[error("the clock of this machine is before 1970; set it, and start again")]
    Clock,
    /// There is no database, and this command creates none.
    #[error("there is no database {} (data_dir is {}, profile release unless ROCKET_PROFILE names another; `vestibule dev` keeps its data in ./data-dev); \
             name the data of your server with --data-dir, or its configuration file with --config", database.display(), directory.display()
    )]
    NoDatabase {
        /// The path at which the database is expected.
        database: PathBuf,
        /// The data directory.
        directory: PathBuf,
    },
    /// The database exists, but the root secret that seals its keys is missing.
    #[error(
        "{} is missing, but the database {} was made with it; put it back (it is not in a copy of the database), \
         or set root_secret; if it is lost, `vestibule keys recover --lost-secret` starts over without it", secret.display(), database.display()
    )]
    SecretMissing {
        /// The path at which the secret is expected.
        secret: PathBuf,
        /// The path of the database.
        database: PathBuf,
    },
    /// The root secret does not belong to this database.
    #[error("this root secret does not belong to the database {}; use the one that was beside it", .0.display())]
    SecretForeign(PathBuf),
    /// The root secret was replaced while this process used it.
    #[error("the root secret was replaced in the meantime; try again")]
    SecretReplaced,
    /// The file of the root secret has fewer than 32 bytes.
    #[error("{} is not a root secret: it must have at least 32 bytes", .0.display())]
    SecretShort(PathBuf),
    /// The data directory was found in a directory where everybody can write, and belongs to another user.
    #[error("{} belongs to another user, in a directory where everybody can write; run the command elsewhere, or name the data with an absolute --data-dir", .0.display())]
    Planted(PathBuf),
    /// The group or other users can write to the data directory, to the directory of the database, or to the database file.
    #[error("its group or others can write {} (mode {mode:o}); run `chmod go-w` on it, or choose another directory", path.display())]
    WritableByOthers {
        /// The path of the directory or file.
        path: PathBuf,
        /// The permission bits of the path.
        mode: u32,
    },
    /// The database file has a second hard link. A process that uses the other link would use other lock files.
    #[error("the database {} has a second hard link; remove the other one, or copy the file", .0.display())]
    HardLink(PathBuf),
    /// The database is mounted as a single file. The lock file and SQLite's log are files beside the database, so a process
    /// that uses the file at its other location would not see them.
    #[error("the database {} is mounted as a single file; mount its directory instead", .0.display())]
    MountPoint(PathBuf),
    /// The database could not be copied before its tables are updated to this version.
    #[error(
        "the tables of the database must be updated to this version, and the copy before that failed ({why}); nothing was changed. Make \
         room in {}, or set backup_dir to another directory", directory.display()
    )]
    NotCopied {
        /// The directory of the copy.
        directory: PathBuf,
        /// The error of the copy.
        why: String,
    },
    /// There was a database in this place, and it has vanished. No empty one is created instead.
    #[error(
        "the database {} is missing, although there was one; put it back, or restore a copy with `vestibule restore`. To start with an \
         empty database instead, delete {}", database.display(), mark.display()
    )]
    DatabaseGone {
        /// The path of the database.
        database: PathBuf,
        /// The file that says that there was one.
        mark: PathBuf,
    },
    /// A restore of the database was interrupted.
    #[error("a restore of the database {} was interrupted; run the same `vestibule restore` again", .0.display())]
    RestoreInterrupted(PathBuf),
    /// Another process has been opening the database for two minutes.
    #[error("another process is still opening the database {}; wait until it is done, or end it", .0.display())]
    BeingOpened(PathBuf),
    /// Another server has the database open.
    #[error("another server is running on the database {}; stop it first, or choose another data_dir", .0.display())]
    Locked(PathBuf),
    /// The database belongs to the other profile: `serve` or `dev`.
    #[error("the database {} was made by `vestibule {made_by}` and can't be served by `vestibule {requested}`; choose another data_dir", path.display())]
    Profile {
        /// The path of the database.
        path: PathBuf,
        /// The profile with which the database is marked.
        made_by: &'static str,
        /// The profile of this server.
        requested: &'static str,
    },
    /// A client is in the configuration and in the database.
    #[error("the client {id} is in the configuration and in the database {}; remove one of them, in the database with `vestibule client remove {id}`", database.display())]
    ClientTwice {
        /// The id of the client.
        id: String,
        /// The path of the database.
        database: PathBuf,
    },
    /// A sealed signing key can't be opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

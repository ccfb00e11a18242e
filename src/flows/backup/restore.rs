//! Restore: replaces the database by a copy of it.
//!
//! The copy is prepared beside the database: checked, migrated, and with all sessions and links ended. Then the old database is
//! put aside, and the prepared file takes its place by one rename. From the moment at which the prepared file is complete until
//! that rename, its name makes every start fail (`OpenError::RestoreInterrupted`). So a crash in between never leads to an
//! empty database; the same command completes the restore.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    config::Config,
    domain::{
        UnixTime,
        audit_event::{AuditEvent, Event, RequestContext},
        session::RevokeReason,
    },
    flows::{
        open::{
            data_paths::{DataPaths, PREPARED, lock, lock_opening, with_suffix},
            error::OpenError,
            secret::is_secret_of,
        },
        steps::{
            check::{check_database, refuse_other_files},
            copy::{COPIED_AT, Draft, sync_parent},
            disk::NO_FOLLOW,
            ended_by_restore::EVERY_TOKEN_UNTIL,
            signing::RECOGNITION_KEY,
        },
    },
    store::{
        self, Conn, audit,
        file::{self, SchemaVersion},
        meta, restored,
    },
};

/// The middle of the name under which an old database is kept.
const REPLACED: &str = ".replaced-";

/// What a restore is about to do, for the question before it.
pub struct Plan {
    paths: DataPaths,
    /// The copy.
    from: PathBuf,
    /// Whether a database is there, which will be put aside.
    pub replaces: bool,
}

/// The result of a restore.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// The path of the database.
    pub database: PathBuf,
    /// The path under which the old database is kept; `None` if there was none.
    pub aside: Option<PathBuf>,
    /// The time at which the copy was made; `None` if the file does not say.
    pub copied_at: Option<String>,
    /// The number of live sessions that were ended, and of links.
    pub ended: restored::Ended,
    /// What has happened to accounts since the copy, and is undone; `None` if the old database can't be read.
    pub undone: Option<restored::Undone>,
    /// Whether the root secret is still missing.
    pub secret_is_missing: bool,
}

/// The reason for which nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file can't be read, or is not a database.
    #[error("can't restore {}", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        cause: io::Error,
    },
    /// The file is not sound.
    #[error("{} is not sound, so it was not restored: {}", path.display(), problems.join("; "))]
    Unsound {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with it.
        problems: Vec<String>,
    },
    /// The root secret does not belong to the copy.
    #[error(
        "{secret} does not belong to the copy {}: put the one in its place that was kept with the copy, and restore again; if that \
         one is lost, take the present one away, restore again, and then run `vestibule keys recover --lost-secret`",
        path.display()
    )]
    SecretForeign {
        /// The path of the copy.
        path: PathBuf,
        /// Where the root secret comes from, as the beginning of a sentence, such as
        /// `the configured root secret`.
        secret: String,
    },
    /// A file of the data directory can't be used, or a server is running, which must be stopped first.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy can't be prepared.
    #[error("can't prepare the copy {}", path.display())]
    Store {
        /// The path of the copy.
        path: PathBuf,
        /// The error of SQLite.
        #[source]
        cause: store::Error,
    },
}

impl Plan {
    /// Returns the plan to restore `from`. Changes nothing.
    ///
    /// # Errors
    /// [`RestoreError`] if the file is not a database, or if the data directory can't be used.
    pub fn new(config: &Config, from: &Path) -> Result<Self, RestoreError> {
        let unusable = |cause| RestoreError::File { path: from.to_owned(), cause };
        refuse_other_files(from).map_err(unusable)?;
        let (paths, temporary) = DataPaths::find(config)?;
        if temporary.is_some() {
            return Err(unusable(io::Error::other(
                "the configured database is a temporary one, which can't be replaced",
            )));
        }
        let from = fs::canonicalize(from).map_err(unusable)?;
        if from == paths.database {
            return Err(unusable(io::Error::other("this is the database itself")));
        }
        let replaces = paths.database_exists();
        Ok(Self { paths, from, replaces })
    }

    /// Returns the path of the database.
    pub fn database(&self) -> &Path {
        &self.paths.database
    }

    /// Carries the plan out. Ends all sessions and links, unless `keep_sessions` is true.
    ///
    /// # Errors
    /// [`RestoreError`]. Then the database is unchanged, or the restore was interrupted and every start says so.
    pub async fn carry_out(
        self,
        config: &Config,
        keep_sessions: bool,
        context: &RequestContext,
    ) -> Result<Restored, RestoreError> {
        let Self { paths, from, .. } = self;
        let database = paths.database.clone();
        let _no_server = lock(&database).await?;
        let _nobody_else = lock_opening(&database).await?;
        let unusable = |cause| RestoreError::File { path: from.clone(), cause };
        let broken = |cause| RestoreError::Store { path: from.clone(), cause };

        remove_drafts(&database);
        let old = old_database(&database);
        let draft = Draft::create(&database).map_err(unusable)?;
        copy_file(&from, &draft.path).map_err(unusable)?;
        let mut conn = file::open(&draft.path).await.map_err(broken)?;
        let prepared = prepare(&mut conn, &draft.path, old.as_deref(), keep_sessions, context).await;
        file::close(conn).await.map_err(broken)?;
        let mut restored = match prepared.map_err(broken)? {
            Ok(restored) => restored,
            Err(problems) => return Err(RestoreError::Unsound { path: from, problems }),
        };
        match is_secret_of(config, &paths.secret, &draft.path).await {
            Ok(true) => {}
            Ok(false) => return Err(foreign_secret(config, &paths.secret, from)),
            Err(OpenError::SecretMissing { .. }) => restored.secret_is_missing = true,
            Err(error) => return Err(error.into()),
        }
        fold_old(&database).await;
        let failed = |cause| OpenError::File { action: "replace the database", path: database.clone(), cause };
        draft.publish(&with_suffix(&database, PREPARED)).map_err(failed)?;
        restored.aside = swap(&database, context.now).map_err(failed)?.or(old);
        Ok(Restored { database, ..restored })
    }
}

/// Returns the database that is replaced: the one in its place, or the one that an interrupted restore has put aside. `None` if
/// there is no such file.
fn old_database(database: &Path) -> Option<PathBuf> {
    if database.exists() {
        return Some(database.to_owned());
    }
    let name = format!("{}{REPLACED}", database.file_name()?.to_string_lossy());
    let is_aside = |path: &PathBuf| {
        let found = path.file_name().unwrap_or_default().to_string_lossy();
        found.strip_prefix(&name).is_some_and(|stamp| !stamp.contains('-'))
    };
    let was_interrupted = with_suffix(database, PREPARED).exists();
    let entries = fs::read_dir(database.parent()?).ok().filter(|_| was_interrupted)?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_aside).max()
}

/// Removes what restores have left that were killed while they prepared a copy. The caller has the locks. An error is ignored:
/// the files are in nobody's way.
fn remove_drafts(database: &Path) {
    let name = format!(".{}.", database.file_name().unwrap_or_default().to_string_lossy());
    let entries = database.parent().and_then(|directory| fs::read_dir(directory).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.starts_with(&name) && found.contains(Draft::SUFFIX) {
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// Copies the file of a database, and its log, if there is one: then the file alone is not the whole database.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    // `fs::copy` would also copy the mode, so that others might read the database, and it would write through a link.
    let copy = |from: &Path, to: &Path| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).custom_flags(NO_FOLLOW);
        io::copy(&mut File::open(from)?, &mut options.open(to)?)
    };
    copy(from, to)?;
    let log = with_suffix(from, "-wal");
    if log.exists() {
        copy(&log, &with_suffix(to, "-wal"))?;
    }
    Ok(())
}

/// Checks a copy, brings it up to date, and ends its sessions. Returns the problems if it is not sound.
async fn prepare(
    conn: &mut Conn,
    draft: &Path,
    old: Option<&Path>,
    keep_sessions: bool,
    context: &RequestContext,
) -> store::Result<Result<Restored, Vec<String>>> {
    file::make_single_file(conn).await?;
    let before = check_database(conn, context.now).await;
    if !before.problems().is_empty() {
        return Ok(Err(before.problems()));
    }
    if before.version != SchemaVersion::Present {
        file::migrate(conn, draft).await?;
        let after = check_database(conn, context.now).await.problems();
        if !after.is_empty() {
            return Ok(Err(after));
        }
    }
    let copied_at = meta::find(conn, COPIED_AT).await?;
    // The old database may be damaged, which may be the reason for the restore.
    let is_readable = match old {
        Some(old) => restored::attach(conn, old).await.is_ok(),
        None => false,
    };
    let undone = match is_readable {
        true => restored::find_undone(conn).await.ok(),
        false => old.is_none().then(restored::Undone::default),
    };
    // A page of the old keys may be damaged although the accounts can be read. Then the keys are those of the copy.
    let kept = async |conn: &mut Conn| restored::keep_signing_keys(conn, RECOGNITION_KEY).await;
    let keys_kept = is_readable && file::in_transaction(conn, kept).await.unwrap_or(false);
    let ended = file::in_transaction(conn, async |conn| {
        let ended = match keep_sessions {
            true => restored::Ended::default(),
            false => end_everything(conn, context.now).await?,
        };
        meta::delete(conn, COPIED_AT).await?;
        let event = AuditEvent::new(Event::DatabaseRestored, context)
            .detail("copied_at", copied_at.clone())
            .detail("sessions_ended", ended.sessions)
            .detail("sessions_kept", keep_sessions)
            .detail("signing_keys_kept", keys_kept);
        audit::insert(conn, &event).await?;
        Ok(ended)
    })
    .await?;
    if is_readable {
        restored::detach(conn).await?;
    }
    Ok(Ok(Restored { copied_at, ended, undone, ..Restored::default() }))
}

/// Ends all sessions and links, and every access token that was issued until now: sessions and revocations of after the copy
/// are forgotten, and what was revoked must not come back.
async fn end_everything(conn: &mut Conn, now: UnixTime) -> store::Result<restored::Ended> {
    let ended = restored::end_sessions_and_links(conn, RevokeReason::Restored, now).await?;
    meta::set(conn, EVERY_TOKEN_UNTIL, &now.seconds().to_string()).await?;
    Ok(ended)
}

/// Moves the content of the old log into the old database, so that one file has all of it. A damaged database is left as it is.
async fn fold_old(database: &Path) {
    if !database.exists() {
        return;
    }
    let folded = async {
        let mut conn = file::open(database).await?;
        let folded = file::fold(&mut conn).await;
        file::close(conn).await?;
        folded
    };
    if let Err(error) = folded.await {
        tracing::warn!(%error, "the old database can't be read; it is put aside as it is");
    }
}

/// Puts the old database aside, and gives the prepared one its name. Returns where the old one is; `None` if there was none.
fn swap(database: &Path, now: UnixTime) -> io::Result<Option<PathBuf>> {
    let stamp: String = now.to_string().chars().filter(|character| !matches!(character, '-' | ':')).collect();
    let aside = with_suffix(database, &format!("{REPLACED}{stamp}"));
    let existed = database.exists();
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match fs::rename(with_suffix(database, suffix), with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_parent(database)?;
    fs::rename(with_suffix(database, PREPARED), database)?;
    sync_parent(database)?;
    Ok(existed.then_some(aside))
}

/// Returns the error for a copy to which the root secret, configured or in `file`, does not belong.
fn foreign_secret(config: &Config, file: &Path, copy: PathBuf) -> RestoreError {
    let secret = match config.keys.root_secret() {
        Some(_) => "the configured root secret".to_owned(),
        None => format!("the root secret {}", file.display()),
    };
    RestoreError::SecretForeign { path: copy, secret }
}

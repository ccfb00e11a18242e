//! Open: from a configuration to a running [`Vestibule`]. Makes the data directory, the root secret, the database and the
//! first signing key where there are none; refuses what does not belong together.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use super::{MARGIN, Secrets, Vestibule};
use crate::{
    clock::Clock,
    config::{self, Config, Database, Profile},
    domain::{
        Purpose, RootSecret, UnixTime,
        audit_event::{AuditEvent, Event, Origin},
        change::{Announcement, Change},
        device::{Thresholds, ThresholdsError},
        jwt::{Algorithm, base64url},
        refresh_token::RefreshTokens,
        signing_key::{KeyError, SigningKey},
    },
    memory::{
        hasher::{HashError, Hasher},
        keyring::{Keyring, Keys},
        revocations::Revocations,
        throttle::{Limit, Throttle},
    },
    random,
    store::{self, Store, audit, meta, sessions, signing_keys, signing_keys::KeyStatus},
};

/// Who opens the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one server. Another one is refused.
    Server,
    /// A command, beside a server or without one.
    Command,
}

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
    /// The secret is too short to be one.
    #[error("{} is not a root secret: it must hold at least 32 bytes", .0.display())]
    SecretShort(PathBuf),
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
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is held while the database is open, and let go of when it is closed.
#[derive(Default)]
pub(crate) struct Held {
    _lock: Option<File>,
    _temporary: Option<TemporaryDirectory>,
}

/// Opens what `config` names.
///
/// # Errors
/// [`OpenError`]
pub async fn open(config: Config, clock: Clock, role: Role) -> Result<Vestibule, OpenError> {
    let now = clock.now();
    let (place, temporary) = Place::prepare(&config)?;
    let lock = if role == Role::Server { Some(lock(&place.database)?) } else { None };
    let root = root_secret(&config, &place)?;
    let revocations = Arc::new(Revocations::default());
    let keys_changed = Arc::new(Notify::new());
    let store = Store::open(&place.database, on_commit(&revocations, &keys_changed)).await?;
    recognise(&store, &root, &place.database).await?;
    check_profile(&store, config.profile, role, &place.database).await?;

    let secrets = Secrets {
        sealing: root.derive(Purpose::SealSigningKeys),
        device_ids: root.derive(Purpose::DeviceIds),
        fingerprints: root.derive(Purpose::Fingerprints),
        csrf: root.derive(Purpose::Csrf),
        unknown_names: root.derive(Purpose::UnknownNames),
        sample_user: root.derive(Purpose::SampleUser),
    };
    if role == Role::Server {
        choose_signing_key(&store, &config, &secrets, now).await?;
    }
    let keys = load_keys(&store, &config, &secrets).await?;
    let limits = &config.limits;
    Ok(Vestibule {
        throttle: Throttle {
            logins: Limit::new(limits.login_rate_per_ip, &clock),
            failures: Limit::new(limits.login_failures_per_account, &clock),
            registrations: Limit::new(limits.register_rate_per_ip, &clock),
            refreshes: Limit::new(limits.refresh_rate_per_session, &clock),
        },
        hasher: Hasher::new(&config.passwords, clock.clone())?,
        refresh_tokens: RefreshTokens::new(root.derive(Purpose::RefreshTokens), &config.tokens.issuer),
        thresholds: Thresholds::new(config.devices.match_from, config.devices.drift_from)?,
        keyring: Keyring::new(keys),
        keys_changed,
        revocations,
        secrets,
        store,
        clock,
        config,
        held: Mutex::new(Held { _lock: lock, _temporary: temporary }),
    })
}

impl Vestibule {
    /// Closes the database and lets go of it, for the next server. Nothing works afterwards.
    pub async fn close(&self) {
        self.store.close().await;
        drop(std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    /// Waits until the set of signing keys was changed, here or by another process, and puts the new one in force.
    ///
    /// # Errors
    /// [`OpenError::Store`], [`OpenError::Key`].
    pub async fn follow_keys(&self) -> Result<(), OpenError> {
        self.keys_changed.notified().await;
        self.keyring.replace(load_keys(&self.store, &self.config, &self.secrets).await?);
        Ok(())
    }
}

fn on_commit(revocations: &Arc<Revocations>, keys_changed: &Arc<Notify>) -> store::OnCommit {
    let (revocations, keys_changed) = (Arc::clone(revocations), Arc::clone(keys_changed));
    Arc::new(move |announced: &[Announcement]| {
        revocations.apply(announced);
        if announced.iter().any(|announcement| announcement.change == Change::SigningKeys) {
            keys_changed.notify_one();
        }
    })
}

/// Where things lie.
struct Place {
    secret: PathBuf,
    database: PathBuf,
    database_existed: bool,
}

impl Place {
    fn prepare(config: &Config) -> Result<(Self, Option<TemporaryDirectory>), OpenError> {
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
struct TemporaryDirectory(PathBuf);

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
fn lock(database: &Path) -> Result<File, OpenError> {
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

fn root_secret(config: &Config, place: &Place) -> Result<RootSecret, OpenError> {
    if let Some(secret) = &config.keys.root_secret {
        return Ok(RootSecret::new(secret.expose()));
    }
    let path = &place.secret;
    let failed = |action, cause| OpenError::File { action, path: path.clone(), cause };
    match fs::read(path) {
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

/// Refuses a root secret that another database was made with.
async fn recognise(store: &Store, root: &RootSecret, database: &Path) -> Result<(), OpenError> {
    const KEY: &str = "root_secret_recognition";
    let expected = base64url(&root.derive(Purpose::Recognition).mac(&[]));
    let known = meta::find(&mut *store.read().await?, KEY).await?;
    match known {
        Some(known) if known == expected => Ok(()),
        Some(_) => Err(OpenError::SecretForeign(database.to_owned())),
        None => Ok(store.write(async move |tx| meta::set(tx, KEY, &expected).await).await?),
    }
}

/// A database of `dev` is for nothing else, and the other way round. The first server decides which it is; commands work on
/// either.
async fn check_profile(store: &Store, profile: Profile, role: Role, database: &Path) -> Result<(), OpenError> {
    const KEY: &str = "profile";
    if role == Role::Command {
        return Ok(());
    }
    let name = |profile: Profile| match profile {
        Profile::Serve => "serve",
        Profile::Dev => "dev",
    };
    let asked = name(profile);
    match meta::find(&mut *store.read().await?, KEY).await?.as_deref() {
        None => Ok(store.write(async move |tx| meta::set(tx, KEY, asked).await).await?),
        Some(mark) if mark == asked => Ok(()),
        Some(mark) => {
            let made_by = if mark == "dev" { "dev" } else { "serve" };
            Err(OpenError::Profile { path: database.to_owned(), made_by, asked })
        }
    }
}

fn algorithm(config: &Config) -> Algorithm {
    match config.keys.algorithm {
        config::Algorithm::Es256 => Algorithm::Es256,
        config::Algorithm::Hs256 => Algorithm::Hs256,
    }
}

/// Sees to it that the key which signs is the one that the configuration asks for. What an earlier one signed holds until
/// it is over.
async fn choose_signing_key(store: &Store, config: &Config, secrets: &Secrets, now: UnixTime) -> Result<(), OpenError> {
    let keys = signing_keys::list(&mut *store.read().await?).await?;
    let current = keys.iter().find(|key| key.status == KeyStatus::Current).map(|key| key.algorithm);
    let shared = config.keys.secret_key.is_some();
    let wanted = algorithm(config);
    if (shared && current.is_none()) || (!shared && current == Some(wanted)) {
        return Ok(());
    }
    let new = (!shared).then(|| SigningKey::generate(wanted)).map(|key| (key.kid.clone(), key.seal(&secrets.sealing)));
    let longest = config.clients.longest_access_token_lifetime().seconds() + config.tokens.leeway.seconds();
    let origin = Origin::command_line(now);
    store
        .write(async move |tx| {
            // Some may have been given out for longer than today's setting says.
            let given_out = sessions::latest_access_expiry(tx, None).await?.unwrap_or(now);
            if let Some(kid) = signing_keys::retire_current(tx, given_out.max(now).plus(longest)).await? {
                audit::insert(tx, &AuditEvent::new(Event::SigningKeyRetired, &origin).detail("kid", kid)).await?;
            }
            if let Some((kid, sealed)) = &new {
                signing_keys::insert_current(tx, kid, wanted, sealed, now).await?;
                audit::insert(tx, &AuditEvent::new(Event::SigningKeyCreated, &origin).detail("kid", kid.clone()))
                    .await?;
            }
            tx.announce(Change::SigningKeys, now, now.plus(MARGIN)).await
        })
        .await?;
    Ok(())
}

/// The keys that sign and check, from the configuration and the database.
async fn load_keys(store: &Store, config: &Config, secrets: &Secrets) -> Result<Keys, OpenError> {
    let stored = signing_keys::list(&mut *store.read().await?).await?;
    let (mut current, mut others) =
        (config.keys.secret_key.as_ref().map(|secret| SigningKey::shared_secret(secret.expose())), Vec::new());
    for key in stored {
        let opened = SigningKey::open(&key.kid, key.algorithm, &key.sealed, &secrets.sealing)?;
        if key.status == KeyStatus::Current && current.is_none() {
            current = Some(opened);
        } else {
            others.push(opened);
        }
    }
    // Only a command that runs before the first server finds none; it signs nothing, and leaves the making to the server.
    Ok(Keys::new(current.unwrap_or_else(|| SigningKey::generate(algorithm(config))), others))
}

//! Open: from a configuration to a running [`Vestibule`]. Makes the data directory, the root secret, the database and the
//! first signing key where there are none; refuses what does not belong together.

mod keys;
mod place;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use self::{
    keys::{choose_signing_key, load_keys},
    place::{Place, TemporaryDirectory, lock, root_secret, server_runs},
};
use super::{Secrets, Vestibule};
use crate::{
    clock::Clock,
    config::{Config, Profile},
    domain::{
        Purpose, RootSecret,
        change::{Announcement, Change},
        device::{Thresholds, ThresholdsError},
        excluded::{Exclusions, NotAGlob},
        jwt::base64url,
        redirect::{NotAnAddress, Redirects},
        refresh_token::RefreshTokens,
        signing_key::KeyError,
    },
    memory::{
        hasher::{HashError, Hasher},
        keyring::Keyring,
        revocations::Revocations,
        throttle::{Guesses, Limit, Throttle},
    },
    store::{self, Store, meta},
};

/// How many passwords may be found too weak for each account that an address may make.
const ESTIMATES_PER_REGISTRATION: u32 = 10;

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

/// What is held while the database is open, and let go of when it is closed.
#[derive(Default)]
pub(crate) struct Held {
    lock: Option<File>,
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
    let announced = Arc::new(AtomicBool::new(false));
    let on_commit = on_commit(&revocations, &keys_changed, &announced);
    let store = Store::open(&place.database, on_commit).await?;
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
    // What stood in the feed already is nobody's news.
    announced.store(false, Ordering::Relaxed);
    let limits = &config.limits;
    Ok(Vestibule {
        throttle: Throttle {
            logins: Limit::new(limits.login_rate_per_ip, &clock),
            failures: Guesses::new(limits.login_failures_per_account, &clock),
            estimates: Limit::new(
                limits.register_rate_per_ip.map(|rate| rate.times(ESTIMATES_PER_REGISTRATION)),
                &clock,
            ),
            registrations: Limit::new(limits.register_rate_per_ip, &clock),
            refreshes: Limit::new(limits.refresh_rate_per_session, &clock),
        },
        hasher: Hasher::new(&config.passwords, clock.clone())?,
        refresh_tokens: RefreshTokens::new(root.derive(Purpose::RefreshTokens), &config.tokens.issuer),
        thresholds: Thresholds::new(config.devices.match_from, config.devices.drift_from)?,
        redirects: Redirects::new(&config.web.public_url, &config.web.redirect_hosts)?,
        exclusions: Exclusions::new(&config.web.exclude_urls)?,
        keyring: Keyring::new(keys),
        keys_changed,
        announced,
        database: place.database,
        revocations,
        secrets,
        store,
        clock,
        config,
        held: Mutex::new(Held { lock, _temporary: temporary }),
    })
}

impl Vestibule {
    /// Closes the database and lets go of it, for the next server. Nothing works afterwards. A command that announced something
    /// waits until a running server has seen it: what it changed is in force when it returns.
    pub async fn close(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        if held.lock.is_none() && self.announced.load(Ordering::Relaxed) && server_runs(&self.database) {
            tokio::time::sleep(store::FOLLOWED_WITHIN).await;
        }
        self.store.close().await;
        drop(held);
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

fn on_commit(
    revocations: &Arc<Revocations>,
    keys_changed: &Arc<Notify>,
    announced_something: &Arc<AtomicBool>,
) -> store::OnCommit {
    let (revocations, keys_changed) = (Arc::clone(revocations), Arc::clone(keys_changed));
    let announced_something = Arc::clone(announced_something);
    Arc::new(move |announced: &[Announcement]| {
        revocations.apply(announced);
        announced_something.fetch_or(!announced.is_empty(), Ordering::Relaxed);
        if announced.iter().any(|announcement| announcement.change == Change::SigningKeys) {
            keys_changed.notify_one();
        }
    })
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

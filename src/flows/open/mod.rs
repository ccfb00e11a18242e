//! Open: from a configuration to a running [`Vestibule`]. Makes the data directory, the root secret, the database and the
//! first signing key where there are none; refuses what does not belong together.

mod keys;
mod place;
pub mod recover;
pub mod rewrap;
mod secret;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use self::{
    keys::{choose_signing_key, load_keys},
    place::{Place, TemporaryDirectory, lock, lock_opening, server_runs},
    secret::Search,
};
use super::{Secrets, Vestibule, signing::Custody};
use crate::{
    clock::Clock,
    config::{Config, Profile},
    domain::{
        Purpose, RootSecret,
        change::{Announcement, Change},
        device::{Thresholds, ThresholdsError},
        excluded::{Exclusions, NotAGlob},
        redirect::{NotAnAddress, Redirects},
        refresh_token::RefreshTokens,
        signing_key::KeyError,
    },
    memory::{
        hasher::{HashError, Hasher},
        keyring::Keyring,
        revocations::Revocations,
        throttle::{FailureLimit, Limit, Throttle, Turns},
    },
    store::{self, Store, meta},
};

/// What the database says of itself: the first root secret, sealed under the one that took its place.
const FIRST_SECRET_KEY: &str = "first_secret";

/// How long a command waits until a running server has followed a change of its keys, and how often it asks.
const PATIENCE: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(10);

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
    /// The secret was replaced while this process used it.
    #[error("the root secret was changed meanwhile; try again")]
    SecretReplaced,
    /// The secret is too short to be one.
    #[error("{} is not a root secret: it must hold at least 32 bytes", .0.display())]
    SecretShort(PathBuf),
    /// Others can write in the data directory, in the database's directory, or to the database.
    #[error("others on this machine can write {} (mode {mode:o}); run `chmod go-w` on it, or choose another data_dir", path.display())]
    WritableByOthers {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The database has two names, and each would have locks of its own.
    #[error("the database {} has a second hard link; remove the other one, or copy the file", .0.display())]
    HardLink(PathBuf),
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
    let (place, temporary) = Place::find(&config)?;
    let lock = if role == Role::Server { Some(lock(&place.database).await?) } else { None };
    let opening = lock_opening(&place.database).await?;
    let search = Search { config: &config, file: &place.secret, database: &place.database };
    let root = search.first(place.database_exists())?;
    place.make_database()?;
    let revocations = Arc::new(Revocations::default());
    let keys_changed = Arc::new(Notify::new());
    let announced = Arc::new(AtomicBool::new(false));
    let announced_keys = Arc::new(AtomicI64::new(0));
    let on_commit = on_commit(&revocations, &keys_changed, &announced, &announced_keys);
    let store = Store::open(&place.database, on_commit).await?;
    let root = search.recognise(&store, root).await?;
    check_profile(&store, config.profile, role, &place.database).await?;

    let first = first_secret(&store, &root, &place.database).await?;
    if role == Role::Server {
        choose_signing_key(&store, &config, &root, now).await?;
    }
    let keys = load_keys(&store, &config, &root).await?;
    drop(opening);
    // What stood in the feed already is nobody's news.
    announced.store(false, Ordering::Relaxed);
    announced_keys.store(0, Ordering::Relaxed);
    let limits = &config.limits;
    Ok(Vestibule {
        throttle: Throttle {
            logins: Limit::new(limits.login_rate_per_ip, &clock),
            failures: FailureLimit::new(limits.login_failures_per_account, &clock),
            estimates: Limit::new(
                limits.register_rate_per_ip.map(|rate| rate.times(ESTIMATES_PER_REGISTRATION)),
                &clock,
            ),
            registrations: FailureLimit::new(limits.register_rate_per_ip, &clock),
            refreshes: Limit::new(limits.refresh_rate_per_session, &clock),
            proofs: Turns::default(),
            fingerprints: Turns::default(),
        },
        hasher: Hasher::new(&config.passwords, clock.clone())?,
        refresh_tokens: RefreshTokens::new(first.derive(Purpose::RefreshTokens), &config.tokens.issuer),
        thresholds: Thresholds::new(config.devices.match_from, config.devices.drift_from)?,
        redirects: Redirects::new(&config.web.public_url, &config.web.redirect_hosts)?,
        exclusions: Exclusions::new(&config.web.exclude_urls)?,
        keyring: Keyring::new(keys),
        keys_changed,
        announced,
        custody: Custody::new(root, place.secret, role == Role::Server, announced_keys),
        database: place.database,
        revocations,
        secrets: Secrets {
            device_ids: first.derive(Purpose::DeviceIds),
            fingerprints: first.derive(Purpose::Fingerprints),
            csrf: first.derive(Purpose::Csrf),
            unknown_names: first.derive(Purpose::UnknownNames),
            sample_user: first.derive(Purpose::SampleUser),
        },
        store,
        clock,
        config,
        own_rule: OnceLock::new(),
        held: Mutex::new(Held { lock, _temporary: temporary }),
    })
}

impl Vestibule {
    /// Opens what `config` names, as the one server on that database: for an application that embeds us.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(config: Config) -> Result<Arc<Self>, OpenError> {
        open(config, Clock::system(), Role::Server).await.map(Arc::new)
    }

    /// Closes the database and lets go of it, for the next server. Nothing works afterwards. A command that announced something
    /// waits until a running server has seen it: what it changed is in force when it returns.
    pub async fn close(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        if held.lock.is_none() && self.announced.load(Ordering::Relaxed) && server_runs(&self.database) {
            tokio::time::sleep(store::FOLLOWED_WITHIN).await;
            self.wait_until_keys_are_followed().await;
        }
        self.store.close().await;
        drop(held);
    }

    /// Completes when the thread that writes to the database has failed, and never otherwise. From then on whatever would write is
    /// answered 503, and a revocation may be stored that this process does not know of: an application that embeds us stops
    /// serving and opens the database again. `vestibule serve` exits with 1.
    ///
    /// ```no_run
    /// # async fn example(vestibule: std::sync::Arc<vestibule::Vestibule>, shutdown: rocket::Shutdown) {
    /// tokio::spawn(async move {
    ///     vestibule.writer_failed().await;
    ///     shutdown.notify();
    /// });
    /// # }
    /// ```
    pub async fn writer_failed(&self) {
        self.store.failed().await;
    }

    /// Reading keys takes a server a moment, the longer the busier it is: it says when it has them.
    async fn wait_until_keys_are_followed(&self) {
        let announced = self.custody.announced.load(Ordering::Relaxed);
        let mut waited = Duration::ZERO;
        while announced > 0 && !self.keys_are_followed(announced).await {
            if waited >= PATIENCE || !server_runs(&self.database) {
                tracing::warn!("the running server has not said that it follows the change of its keys; see its log");
                return;
            }
            tokio::time::sleep(ASK_EVERY).await;
            waited += ASK_EVERY;
        }
    }
}

fn on_commit(
    revocations: &Arc<Revocations>,
    keys_changed: &Arc<Notify>,
    announced_something: &Arc<AtomicBool>,
    announced_keys: &Arc<AtomicI64>,
) -> store::OnCommit {
    let (revocations, keys_changed) = (Arc::clone(revocations), Arc::clone(keys_changed));
    let (announced_something, announced_keys) = (Arc::clone(announced_something), Arc::clone(announced_keys));
    Arc::new(move |announced: &[Announcement]| {
        revocations.apply(announced);
        announced_something.fetch_or(!announced.is_empty(), Ordering::Relaxed);
        let of_keys = announced.iter().filter(|announcement| announcement.change == Change::SigningKeys);
        if let Some(last) = of_keys.map(|announcement| announcement.seq).max() {
            announced_keys.fetch_max(last, Ordering::Relaxed);
            keys_changed.notify_one();
        }
    })
}

/// The secret that all but the signing keys is derived from: the first that the database had. Where another one has taken its
/// place, it lies in the database, sealed under that.
async fn first_secret(store: &Store, root: &RootSecret, database: &Path) -> Result<RootSecret, OpenError> {
    match meta::find(&mut *store.read().await?, FIRST_SECRET_KEY).await? {
        None => Ok(root.clone()),
        Some(sealed) => root.open(&sealed).ok_or_else(|| OpenError::SecretForeign(database.to_owned())),
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
    let mark = match meta::find(&mut *store.read().await?, KEY).await? {
        Some(mark) => mark,
        None => store.write(async move |tx| meta::settle(tx, KEY, asked).await).await?,
    };
    if mark == asked {
        return Ok(());
    }
    let made_by = if mark == "dev" { "dev" } else { "serve" };
    Err(OpenError::Profile { path: database.to_owned(), made_by, asked })
}

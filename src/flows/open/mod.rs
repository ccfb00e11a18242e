//! Open: creates a running [`Vestibule`] from a configuration. Opening creates the data directory, the root secret, the
//! database and the first signing key if they are absent. A root secret or a profile that does not belong to the database is
//! refused.

pub mod data_paths;
pub mod error;
pub mod keys;
pub mod migration_copy;
pub mod process_locks;
pub mod recover;
pub mod rewrap;
pub mod secret;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use tokio::sync::Notify;

pub use self::error::OpenError;
use self::{
    data_paths::{DataPaths, lock, lock_opening},
    keys::{choose_signing_key, load_keys},
    migration_copy::copy_before_migration,
    process_locks::{ProcessLocks, has_mark},
    secret::{FIRST_SECRET_KEY, RootSecretLookup},
};
use crate::{
    clock::Clock,
    config::{Config, Profile},
    domain::{
        Purpose, RootSecret,
        change::{Announcement, Change},
        redirect::Redirects,
        refresh_token::RefreshTokens,
    },
    flows::{
        Vestibule,
        steps::{client_registry, disk, ended_by_restore, key_source::KeySource, name_keys, public_address},
        vestibule::Secrets,
    },
    memory::{
        backups::Backups,
        clients::ClientRegistry,
        early_expiry::EarlyExpiries,
        hasher::Hasher,
        health::{Health, Integrity},
        keyring::Keyring,
        metrics::{DatabaseAccess, Metrics},
        revocations::Revocations,
        throttle::Throttle,
    },
    store::{self, Measured, Store, clients, meta},
};

/// The kind of process that opens the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one server. A second server is refused.
    Server,
    /// A command. It works with and without a running server, and needs a database.
    Command,
    /// A command that creates the database if it is absent.
    FirstCommand,
}

/// Opens the database that `config` names, and reads its keys and revocations.
pub async fn open(config: Config, clock: Clock, role: Role) -> Result<Vestibule, OpenError> {
    if !clock.is_set() {
        return Err(OpenError::Clock);
    }
    let now = clock.now();
    if role == Role::Command {
        data_paths::require_database(&config)?;
    }
    let (paths, temporary) = DataPaths::find(&config)?;
    paths.refuse_interrupted_restore()?;
    let lock = if role == Role::Server { Some(lock(&paths.database).await?) } else { None };
    if role == Role::Server {
        warn_of_network_file_system(&paths.database);
    }
    let opening = lock_opening(&paths.database).await?;
    // The next program that opens the database folds a log that was left. After a power cut there may be no mark.
    let was_killed = lock.as_ref().is_some_and(|lock| has_mark(lock) || paths.has_unfolded_log());
    let lookup = RootSecretLookup { config: &config, file: &paths.secret, database: &paths.database };
    // The root secret is created before the database, because a database without its root secret is refused.
    let root = lookup.find_or_create(paths.database_exists())?;
    paths.create_database_file()?;
    copy_before_migration(&config, &paths, now).await?;
    let revocations = Arc::new(Revocations::default());
    let keys_changed = Arc::new(Notify::new());
    let announced = Arc::new(AtomicBool::new(false));
    let announced_keys = Arc::new(AtomicI64::new(0));
    let clients_changed = Arc::new(Notify::new());
    let on_commit = on_commit(&revocations, &keys_changed, &clients_changed, &announced, &announced_keys);
    let health = Health::default();
    if was_killed {
        health.set_integrity(Integrity::Running);
    }
    let metrics = Arc::new(Metrics::new());
    let store = Store::open(&paths.database, on_commit, on_measured(&metrics)).await?;
    paths.record_database();
    let root = lookup.recognise(&store, root).await?;
    check_profile(&store, config.profile, role, &paths.database).await?;

    name_keys::renew(&store).await?;
    if role == Role::Server {
        warn_of_clashes(&store).await?;
    }

    let first = first_secret(&store, &root, &paths.database).await?;
    if role == Role::Server {
        choose_signing_key(&store, &config, &root, now).await?;
        public_address::remember(&store, &config.web.public_url).await?;
    }
    let keys = load_keys(&store, &config, &root).await?;
    ended_by_restore::apply(&mut *store.read().await?, &revocations, now).await?;
    drop(opening);
    // Both values have changed while the feed was read for the first time. From now on they record later changes only.
    announced.store(false, Ordering::Relaxed);
    announced_keys.store(0, Ordering::Relaxed);
    let vestibule = Vestibule {
        clients: ClientRegistry::new(&config.clients),
        clients_changed,
        clients_reloading: tokio::sync::Mutex::default(),
        throttle: Throttle::new(&config.limits, &clock),
        hasher: Hasher::new(&config.passwords, clock.clone(), Arc::clone(&metrics)),
        metrics,
        refresh_tokens: RefreshTokens::new(first.derive(Purpose::RefreshTokens), &config.tokens.issuer),
        thresholds: config.devices.thresholds,
        redirects: Redirects::new(&config.web.public_url, &config.web.redirect_hosts),
        exclusions: config.web.exclude_urls.clone(),
        keyring: Keyring::new(keys),
        keys_changed,
        announced,
        key_source: KeySource::new(root, paths.secret, role == Role::Server, announced_keys),
        database: paths.database,
        revocations,
        early_expiries: EarlyExpiries::default(),
        backups: Backups::default(),
        health,
        secrets: Secrets {
            device_ids: first.derive(Purpose::DeviceIds),
            fingerprints: first.derive(Purpose::Fingerprints),
            csrf: first.derive(Purpose::Csrf),
            login_names: first.derive(Purpose::LoginNames),
            sample_user: first.derive(Purpose::SampleUser),
        },
        store,
        clock,
        config,
        revocation_rule: OnceLock::new(),
        process_locks: Mutex::new(ProcessLocks { lock, _temporary: temporary }),
    };
    if role == Role::Server {
        refuse_doubled_clients(&vestibule).await?;
    }
    client_registry::reload(&vestibule).await?;
    vestibule.process_locks.lock().unwrap_or_else(PoisonError::into_inner).mark_running();
    Ok(vestibule)
}

/// Refuses a client that is in the configuration and in the database: it would not be clear which of them counts.
async fn refuse_doubled_clients(vestibule: &Vestibule) -> Result<(), OpenError> {
    let stored = clients::list(&mut *vestibule.store.read().await?).await?;
    match stored.into_iter().find(|client| vestibule.config.clients.get(&client.id).is_some()) {
        Some(client) => Err(OpenError::ClientTwice { id: client.id, database: vestibule.database.clone() }),
        None => Ok(()),
    }
}

/// Returns the path of the database that `config` names, without symbolic links. It must exist.
///
/// # Errors
/// [`OpenError::NoDatabase`] if it does not exist; another one if its directory can't be used.
pub fn database_of(config: &Config) -> Result<std::path::PathBuf, OpenError> {
    Ok(DataPaths::of_existing(config)?.database)
}

/// Returns whether the database that `config` names exists. `false` for a temporary database.
pub fn has_database(config: &Config) -> bool {
    data_paths::require_database(config).is_ok()
}

/// Writes to the log that the database is on a network file system, if it is.
fn warn_of_network_file_system(database: &Path) {
    if let Some(name) = database.parent().and_then(disk::network_file_system) {
        tracing::warn!(
            database = %database.display(),
            file_system = name,
            "the database is on a network file system, where the locks of SQLite may not work and a second server may damage it; \
             use a local disk, and keep copies elsewhere with backup_dir"
        );
    }
}

/// Writes to the log which accounts can't sign in with one of their names.
async fn warn_of_clashes(store: &Store) -> Result<(), OpenError> {
    for clash in name_keys::list_clashes(store).await? {
        let older = clash.older.map(|older| older.to_string()).unwrap_or_default();
        tracing::warn!(
            user = %clash.user,
            %older,
            "a name of `user` is that of the account `older` in another spelling, so only the older account can sign in with \
             it; give one of them another name with `vestibule user set`"
        );
    }
    Ok(())
}

/// Returns the callback that applies announced changes to the memory of this process. For the signing keys it only sends a
/// notification; `keys::follow_keys` then reads them.
fn on_commit(
    revocations: &Arc<Revocations>,
    keys_changed: &Arc<Notify>,
    clients_changed: &Arc<Notify>,
    announced_something: &Arc<AtomicBool>,
    announced_keys: &Arc<AtomicI64>,
) -> store::OnCommit {
    let (revocations, keys_changed) = (Arc::clone(revocations), Arc::clone(keys_changed));
    let clients_changed = Arc::clone(clients_changed);
    let (announced_something, announced_keys) = (Arc::clone(announced_something), Arc::clone(announced_keys));
    Arc::new(move |announced: &[Announcement]| {
        revocations.apply(announced);
        announced_something.fetch_or(!announced.is_empty(), Ordering::Relaxed);
        if announced.iter().any(|announcement| announcement.change == Change::Clients) {
            clients_changed.notify_one();
        }
        let of_keys = announced.iter().filter(|announcement| announcement.change == Change::SigningKeys);
        if let Some(last) = of_keys.map(|announcement| announcement.seq).max() {
            announced_keys.fetch_max(last, Ordering::Relaxed);
            keys_changed.notify_one();
        }
    })
}

/// Returns the callback that records what is measured of the database.
fn on_measured(metrics: &Arc<Metrics>) -> store::OnMeasured {
    let metrics = Arc::clone(metrics);
    Arc::new(move |measured| match measured {
        Measured::Commit { took, jobs } => {
            metrics.commits.record(took);
            metrics.commit_jobs.record(jobs);
        }
        Measured::ReadWait(waited) => metrics.read_waits.record(waited),
        Measured::ReadFailed => metrics.database_failures.count(DatabaseAccess::Read),
        Measured::WriteFailed => metrics.database_failures.count(DatabaseAccess::Write),
    })
}

/// Returns the first root secret of the database, from which all keys except the signing keys are derived. If the root secret
/// was replaced, the first root secret is stored in the database, sealed under the present root secret.
async fn first_secret(store: &Store, root: &RootSecret, database: &Path) -> Result<RootSecret, OpenError> {
    match meta::find(&mut *store.read().await?, FIRST_SECRET_KEY).await? {
        None => Ok(root.clone()),
        Some(sealed) => root.open(&sealed).ok_or_else(|| OpenError::SecretForeign(database.to_owned())),
    }
}

/// Checks that the profile of a server is the profile with which the database is marked. The first server marks the database
/// with its profile. Commands work on every database.
async fn check_profile(store: &Store, profile: Profile, role: Role, database: &Path) -> Result<(), OpenError> {
    const KEY: &str = "profile";
    if role != Role::Server {
        return Ok(());
    }
    let requested = profile.as_str();
    let mark = match meta::find(&mut *store.read().await?, KEY).await? {
        Some(mark) => mark,
        None => store.write(async move |tx| meta::find_or_set(tx, KEY, requested).await).await?,
    };
    if mark == requested {
        return Ok(());
    }
    let made_by = mark.parse::<Profile>().unwrap_or_default().as_str();
    Err(OpenError::Profile { path: database.to_owned(), made_by, requested })
}

//! Recover: replaces a root secret that was lost or has leaked. Users and their passwords stay. Everything that depends on the
//! old root secret becomes invalid: signing keys, devices and sealed fingerprints are deleted, and live sessions are revoked.
//!
//! This flow opens the database itself, because `open` refuses a database whose root secret is unknown.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::{
    data_paths::{DataPaths, lock, lock_opening, lock_secret, require_database},
    error::OpenError,
    migration_copy::copy_before_migration,
    secret::{FIRST_SECRET_KEY, promote_draft, set_aside, write_draft},
};
use crate::{
    config::Config,
    domain::{
        Purpose, RootSecret,
        audit_event::{AuditEvent, Event, RequestContext},
        session::RevokeReason,
    },
    flows::{
        steps::{
            revocation::Revocation,
            signing::{self, NewKey, RECOGNITION_KEY},
        },
        vestibule::CLOCK_STEP_MARGIN,
    },
    store::{self, Store, Tx, audit, devices, meta, sessions, signing_keys},
};

/// The result of a recovery.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The number of live sessions that were revoked.
    pub sessions: usize,
    /// The number of devices that were deleted.
    pub devices: u64,
    /// The `kid` of the key that signs from now on. `None` if `secret_key` of the configuration signs.
    pub kid: Option<String>,
    /// The path of the new root secret. `None` if the root secret comes from the configuration.
    pub file: Option<PathBuf>,
    /// The path to which the previous `secret.key` was renamed, because it did not belong to this database. `None` if there was
    /// no such file.
    pub foreign: Option<PathBuf>,
}

/// An error of a recovery.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The configured root secret is the present root secret. A secret that was lost or has leaked must not be used again.
    #[error(
        "root_secret in the configuration is the current root secret; configure a new root secret first, or remove \
         root_secret"
    )]
    Same,
    /// Another process is replacing the root secret.
    #[error("another process is replacing the root secret; try again")]
    Busy,
    /// A file can't be used, or a server is running, which must be stopped first.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Replaces the root secret of the database that `config` names. The new root secret is the configured root secret, or a
/// generated one in a new `secret.key` if none is configured. Before the replacement, the tables are migrated to this version,
/// as at every start. Returns what was replaced.
///
/// # Errors
/// [`RecoverError`]. Then the database still has the old root secret, with one exception: if only the renaming of a file
/// failed, the database already has the new root secret. It is then in `secret.key.new`, and the next start finds it there. The
/// same holds after a crash.
pub async fn recover(config: &Config, context: &RequestContext) -> Result<Recovered, RecoverError> {
    require_database(config)?;
    let (paths, _temporary) = DataPaths::find(config)?;
    let _no_server = lock(&paths.database).await?;
    let _nobody_else = lock_opening(&paths.database).await?;
    paths.create_database_file()?;
    copy_before_migration(config, &paths, context.now).await?;
    let Some(_alone) = lock_secret(&paths.database)? else { return Err(RecoverError::Busy) };
    let store = Store::open(&paths.database, Arc::new(|_| {}), Arc::new(|_| {})).await?;
    let done = replace_root_secret(config, &paths, &store, context).await;
    store.close().await;
    done
}

/// Replaces the root secret of an open database. The caller has all locks.
async fn replace_root_secret(
    config: &Config,
    paths: &DataPaths,
    store: &Store,
    context: &RequestContext,
) -> Result<Recovered, RecoverError> {
    let known = meta::find(&mut *store.read().await?, RECOGNITION_KEY).await?;
    let root = match config.keys.root_secret() {
        Some(secret) => RootSecret::new(secret.expose()),
        None => write_draft(&paths.secret, known.as_deref())?,
    };
    if known.as_ref() == Some(&root.recognition()) {
        return Err(RecoverError::Same);
    }
    let key = match config.keys.secret_key() {
        Some(_) => None,
        None => {
            let key = signing::generate(config.keys.algorithm).await;
            Some(NewKey::seal(&key, &root.derive(Purpose::SealSigningKeys)))
        }
    };
    let kid = key.as_ref().map(|key| key.kid.clone());
    let (recognition, longest, context) = (root.recognition(), signing::longest_acceptance(config), context.clone());
    let (sessions, devices) =
        store.write(async move |tx| replace_secrets(tx, key.as_ref(), &recognition, longest, &context).await).await?;
    let mut recovered = Recovered { sessions, devices, kid, file: None, foreign: None };
    if config.keys.root_secret().is_none() {
        recovered.foreign = set_aside(&paths.secret, known.as_deref())?;
        promote_draft(&paths.secret)?;
        recovered.file = Some(paths.secret.clone());
    }
    Ok(recovered)
}

/// Replaces the root secret in the database and invalidates everything that depends on the old root secret, in one transaction.
/// `longest` is the result of [`signing::longest_acceptance`], in seconds. Returns the number of revoked sessions and the
/// number of deleted devices.
async fn replace_secrets(
    tx: &mut Tx,
    key: Option<&NewKey>,
    recognition: &str,
    longest: i64,
    context: &RequestContext,
) -> store::Result<(usize, u64)> {
    // A revocation is for one user, so each user with a live session gets a revocation.
    let live = sessions::list_live(tx, context.now).await?;
    let users: BTreeSet<_> = live.iter().map(|session| session.user_id).collect();
    let mut ended = 0;
    for user in users {
        let (selection, reason) = (sessions::Selection::All, RevokeReason::SecretLost);
        let revocation_ttl = longest + CLOCK_STEP_MARGIN;
        ended +=
            Revocation { user, selection, reason, ttl: revocation_ttl, context: context.clone() }.carry_out(tx).await?;
    }
    sessions::forget_fingerprints(tx).await?;
    let forgotten = devices::delete_all(tx).await?;
    for kid in signing_keys::delete_all(tx).await? {
        audit::insert(tx, &signing::removed(&kid, "secret_lost", context)).await?;
    }
    if let Some(key) = key {
        signing::sign_at_once(tx, key, longest, context).await?;
    }
    meta::delete(tx, FIRST_SECRET_KEY).await?;
    meta::set(tx, RECOGNITION_KEY, recognition).await?;
    let event = AuditEvent::new(Event::RootSecretLost, context).detail("sessions", ended);
    audit::insert(tx, &event.detail("devices", forgotten)).await?;
    signing::announce(tx, context.now).await?;
    Ok((ended, forgotten))
}

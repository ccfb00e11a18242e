//! Recover: start over without the root secret. Users and their passwords stay; all that rested on the secret goes: signing
//! keys, sessions, devices, fingerprints.
//!
//! A way of its own into the database, because the usual one refuses what it does not recognise.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::{
    data_paths::{DataPaths, lock, lock_opening, lock_secret},
    error::OpenError,
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

/// What was started over.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// Sessions that were ended.
    pub sessions: usize,
    /// Devices that were forgotten.
    pub devices: u64,
    /// The key that signs from now on; none where `secret_key` does.
    pub kid: Option<String>,
    /// Where the new root secret lies; none where it is configured.
    pub file: Option<PathBuf>,
    /// Where the secret was put that lay there and is not this database's.
    pub foreign: Option<PathBuf>,
}

/// Why everything is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// There is no database, or nothing in it.
    #[error("there is no database {}; check --data-dir", .0.display())]
    Nothing(PathBuf),
    /// A secret that was lost or has leaked is not one to go on with.
    #[error(
        "root_secret of the configuration is the one that the database has; configure a new one first, or remove it"
    )]
    Same,
    /// Somebody else does the same.
    #[error("another process is replacing the root secret; try again")]
    Busy,
    /// A file of ours; or a server runs, which must be stopped first.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Gives the database that `config` names a new root secret: the configured one, else a new file. A crash at any moment leaves
/// the database as it was, or with the new secret.
///
/// # Errors
/// [`RecoverError`].
pub async fn recover(config: &Config, context: &RequestContext) -> Result<Recovered, RecoverError> {
    let (paths, _temporary) = DataPaths::find(config)?;
    if !paths.database_exists() {
        return Err(RecoverError::Nothing(paths.database));
    }
    let _no_server = lock(&paths.database).await?;
    let _nobody_else = lock_opening(&paths.database).await?;
    paths.make_database()?;
    let Some(_alone) = lock_secret(&paths.database)? else { return Err(RecoverError::Busy) };
    let store = Store::open(&paths.database, Arc::new(|_| {})).await?;
    let done = start_over(config, &paths, &store, context).await;
    store.close().await;
    done
}

async fn start_over(
    config: &Config,
    paths: &DataPaths,
    store: &Store,
    context: &RequestContext,
) -> Result<Recovered, RecoverError> {
    let known = meta::find(&mut *store.read().await?, RECOGNITION_KEY).await?;
    let root = match &config.keys.root_secret {
        Some(secret) => RootSecret::new(secret.expose()),
        None => write_draft(&paths.secret, known.as_deref())?,
    };
    if known.as_ref() == Some(&root.recognition()) {
        return Err(RecoverError::Same);
    }
    let key = match config.keys.secret_key {
        Some(_) => None,
        None => {
            let key = signing::generate(signing::configured_algorithm(config)).await;
            Some(NewKey::seal(&key, &root.derive(Purpose::SealSigningKeys)))
        }
    };
    let kid = key.as_ref().map(|key| key.kid.clone());
    let (recognition, longest, context) = (root.recognition(), signing::longest_acceptance(config), context.clone());
    let (sessions, devices) =
        store.write(async move |tx| replace_secrets(tx, key.as_ref(), &recognition, longest, &context).await).await?;
    let mut recovered = Recovered { sessions, devices, kid, file: None, foreign: None };
    if config.keys.root_secret.is_none() {
        recovered.foreign = set_aside(&paths.secret, known.as_deref())?;
        promote_draft(&paths.secret)?;
        recovered.file = Some(paths.secret.clone());
    }
    Ok(recovered)
}

/// Takes out all that rests on the root secret, in one transaction; how many sessions and devices it were.
async fn replace_secrets(
    tx: &mut Tx,
    key: Option<&NewKey>,
    recognition: &str,
    longest: i64,
    context: &RequestContext,
) -> store::Result<(usize, u64)> {
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

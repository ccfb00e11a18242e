//! Rewrap: replaces the root secret that seals the keys. No user is signed out.
//!
//! The signing keys are sealed again. Refresh tokens, devices, fingerprints and CSRF tokens keep their derived keys, which come
//! from the first root secret. From then on the first root secret is stored in the database, sealed under the new root secret.
//!
//! So this operation is for a secret that is moved to another place, or that is replaced at regular intervals. It does not help
//! after a leak: a person who knows the old secret *and* the database still knows all keys. [`recover`](super::recover) is for
//! that case.

use std::{fs::File, path::PathBuf};

use super::{
    data_paths::{lock, lock_opening, lock_secret},
    error::OpenError,
    keys::activate_keys,
    secret::{FIRST_SECRET_KEY, promote_draft, write_draft},
};
use crate::{
    config::Secret,
    domain::{
        Purpose, RootSecret,
        audit_event::{AuditEvent, Event, RequestContext},
        signing_key::SigningKey,
    },
    flows::{
        Vestibule,
        steps::signing::{self, RECOGNITION_KEY},
    },
    store::{self, Tx, audit, meta, signing_keys},
};

/// The result of a rewrap.
#[derive(Clone, Debug)]
pub struct Rewrapped {
    /// The number of signing keys that were sealed again.
    pub keys: usize,
    /// The path of the new root secret. `None` if the operator must configure the secret.
    pub file: Option<PathBuf>,
}

/// An error of a rewrap.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// The root secret comes from the configuration, which this server does not write, and no new secret was passed.
    #[error("the root secret comes from the configuration; give the new one with --new-secret-file, then configure it")]
    NoNewSecret,
    /// The root secret is a file of this server, and yet a new secret was passed.
    #[error("the root secret is {}, where a new one will be made; leave --new-secret-file out", .0.display())]
    OwnFile(PathBuf),
    /// The new root secret is the present root secret.
    #[error("this is the root secret that the database has already")]
    Same,
    /// A server is running. It has its root secret from its configuration, so it can't learn a new root secret.
    #[error("stop the server first: it has its root secret from its configuration and can't learn the new one")]
    ServerRuns,
    /// Another process is replacing the root secret.
    #[error("another process is replacing the root secret; try again")]
    Busy,
    /// A file can't be used, or a key can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Replaces the root secret: by `new_secret` if the present root secret comes from the configuration, and otherwise by a new
/// file. A running server reads the new secret when it reloads the keys. After a crash at any moment, the secret that opens the
/// database exists.
///
/// # Errors
/// [`RewrapError`]. Then the root secret is unchanged, except if the database already uses the new secret and only the renaming
/// of its file failed. In that case the next start renames the file.
pub async fn rewrap(
    vestibule: &Vestibule,
    new_secret: Option<Secret>,
    context: &RequestContext,
) -> Result<Rewrapped, RewrapError> {
    let is_configured = vestibule.config.keys.root_secret().is_some();
    let file = &vestibule.key_source.secret_file;
    let new_secret = match new_secret {
        Some(new_secret) if is_configured => Some(RootSecret::new(new_secret.expose())),
        Some(_) => return Err(RewrapError::OwnFile(file.clone())),
        None if is_configured => return Err(RewrapError::NoNewSecret),
        None => None,
    };
    let _no_server = if is_configured { Some(exclude_servers(vestibule).await?) } else { None };
    // A process that opens the database reads the root secret, and then what is sealed under it. Both must be of one secret.
    let _nobody_opens = lock_opening(&vestibule.database).await?;
    let Some(_alone) = lock_secret(&vestibule.database)? else { return Err(RewrapError::Busy) };
    let new = match new_secret {
        Some(new_secret) => new_secret,
        None => {
            let known = meta::find(&mut *vestibule.store.read().await?, RECOGNITION_KEY).await?;
            write_draft(file, known.as_deref())?
        }
    };
    let (old, successor, context) = (vestibule.key_source.root(), new.clone(), context.clone());
    if old.recognition() == new.recognition() {
        return Err(RewrapError::Same);
    }
    let keys = vestibule.store.write(async move |tx| reseal_all(tx, &old, &successor, &context).await).await??;
    if !is_configured {
        promote_draft(file)?;
    }
    vestibule.key_source.replace_root(new);
    activate_keys(vestibule).await;
    Ok(Rewrapped { keys, file: (!is_configured).then(|| file.clone()) })
}

/// Takes the lock of the one server, so that no server can start. Fails with [`RewrapError::ServerRuns`] if a server is
/// running.
async fn exclude_servers(vestibule: &Vestibule) -> Result<File, RewrapError> {
    lock(&vestibule.database).await.map_err(|error| match error {
        OpenError::Locked(_) => RewrapError::ServerRuns,
        other => other.into(),
    })
}

/// Seals the signing keys and the first root secret under `new`, and records that `new` belongs to the database, in one
/// transaction. Returns the number of signing keys.
async fn reseal_all(
    tx: &mut Tx,
    old: &RootSecret,
    new: &RootSecret,
    context: &RequestContext,
) -> store::Result<Result<usize, RewrapError>> {
    // Another process has replaced the root secret since this process read it.
    if !signing::is_root_of_database(tx, old).await? {
        return Ok(Err(RewrapError::Busy));
    }
    let first = match meta::find(tx, FIRST_SECRET_KEY).await? {
        None => Some(old.clone()),
        Some(sealed) => old.open(&sealed),
    };
    let Some(first) = first else { return Ok(Err(OpenError::SecretReplaced.into())) };
    let (opens, seals) = (old.derive(Purpose::SealSigningKeys), new.derive(Purpose::SealSigningKeys));
    let keys = signing_keys::list(tx).await?;
    for key in &keys {
        match SigningKey::open(&key.kid, key.algorithm, &key.sealed, &opens) {
            Ok(opened) => signing_keys::reseal(tx, &key.kid, &opened.seal(&seals)).await?,
            Err(error) => return Ok(Err(OpenError::Key(error).into())),
        }
    }
    meta::set(tx, FIRST_SECRET_KEY, &first.seal(new)).await?;
    meta::set(tx, RECOGNITION_KEY, &new.recognition()).await?;
    audit::insert(tx, &AuditEvent::new(Event::RootSecretChanged, context).detail("keys", keys.len())).await?;
    signing::announce(tx, context.now).await?;
    Ok(Ok(keys.len()))
}

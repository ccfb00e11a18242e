//! Rewrap: another root secret takes the place of the one that seals the keys, and nobody is signed out.
//!
//! The signing keys are sealed anew. Refresh tokens, devices, fingerprints and CSRF tokens keep the keys that they have, which
//! come from the first secret: that lies in the database from then on, sealed under the new one. So this is for a secret that
//! moves or is replaced by rule. It takes nothing from whoever knows the old one *and* the database: after a leak,
//! [`recover`](super::recover) starts over.

use std::{fs::File, path::PathBuf};

use super::{
    data_paths::{lock, lock_secret},
    error::OpenError,
    keys::put_keys_in_force,
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

/// What was changed.
#[derive(Clone, Debug)]
pub struct Rewrapped {
    /// Signing keys that were sealed anew.
    pub keys: usize,
    /// Where the new secret lies; none where it is for the operator to configure.
    pub file: Option<PathBuf>,
}

/// Why the root secret is still the one that it was.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// The secret comes from the configuration, which we don't write.
    #[error("the root secret comes from the configuration; give the new one with --new-secret-file, then configure it")]
    NoNewSecret,
    /// The secret is a file of ours.
    #[error("the root secret is {}, where a new one will be made; leave --new-secret-file out", .0.display())]
    OwnFile(PathBuf),
    /// The new one is the old one.
    #[error("this is the root secret that the database has already")]
    Same,
    /// A server that has its secret from its configuration does not learn of another.
    #[error("stop the server first: it has its root secret from its configuration and can't learn the new one")]
    ServerRuns,
    /// Somebody else does the same.
    #[error("another process is replacing the root secret; try again")]
    Busy,
    /// A file of ours, or a key that can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Puts another root secret in the place of the one in force: `given`, where the old one is configured, else a new file. A
/// running server takes it up when it reads the keys. A crash at any moment leaves the database with a secret that opens it.
///
/// # Errors
/// [`RewrapError`]; the secret is the old one still, unless only the renaming of its file failed: then the next start does it.
pub async fn rewrap(
    vestibule: &Vestibule,
    given: Option<Secret>,
    context: &RequestContext,
) -> Result<Rewrapped, RewrapError> {
    let is_configured = vestibule.config.keys.root_secret.is_some();
    let file = &vestibule.key_source.secret_file;
    let given = match given {
        Some(given) if is_configured => Some(RootSecret::new(given.expose())),
        Some(_) => return Err(RewrapError::OwnFile(file.clone())),
        None if is_configured => return Err(RewrapError::NoNewSecret),
        None => None,
    };
    let _no_server = if is_configured { Some(exclude_servers(vestibule).await?) } else { None };
    let Some(_alone) = lock_secret(&vestibule.database)? else { return Err(RewrapError::Busy) };
    let new = match given {
        Some(given) => given,
        None => {
            let known = meta::find(&mut *vestibule.store.read().await?, RECOGNITION_KEY).await?;
            write_draft(file, known.as_deref())?
        }
    };
    let (old, successor, context) = (vestibule.key_source.root(), new.clone(), context.clone());
    if old.recognition() == new.recognition() {
        return Err(RewrapError::Same);
    }
    let keys = vestibule.store.write(async move |tx| exchange(tx, &old, &successor, &context).await).await??;
    if !is_configured {
        promote_draft(file)?;
    }
    vestibule.key_source.replace_root(new);
    put_keys_in_force(vestibule).await;
    Ok(Rewrapped { keys, file: (!is_configured).then(|| file.clone()) })
}

async fn exclude_servers(vestibule: &Vestibule) -> Result<File, RewrapError> {
    lock(&vestibule.database).await.map_err(|error| match error {
        OpenError::Locked(_) => RewrapError::ServerRuns,
        other => other.into(),
    })
}

/// All that the database knows of the root secret, in one transaction; how many keys it has.
async fn exchange(
    tx: &mut Tx,
    old: &RootSecret,
    new: &RootSecret,
    context: &RequestContext,
) -> store::Result<Result<usize, RewrapError>> {
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

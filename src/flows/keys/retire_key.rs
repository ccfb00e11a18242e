//! Retire key: deletes a key at once. Tokens that the key signed are no longer accepted.

use crate::{
    flows::{
        Vestibule,
        open::keys::activate_keys,
        steps::{
            acting::{Acting, ActingError},
            signing,
        },
    },
    store::{
        self, audit,
        signing_keys::{self, KeyStatus},
    },
};

/// An error of the retirement of a key.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// There is no key with this `kid`.
    #[error("there is no key {0}; see `vestibule keys list`")]
    Unknown(String),
    /// The key is the current key. Without it no token could be signed.
    #[error("the key {0} is the current key; replace it with `vestibule keys rotate --now`, then retire it")]
    Current(String),
    /// The acting user may not change the keys.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Deletes the key `kid`, which must be the next key or a retiring key. Returns the status that it had.
///
/// # Errors
/// [`RetireError`] if there is no such key, if it is the current key, or if the database fails.
pub async fn retire_key(vestibule: &Vestibule, kid: &str, acting: &Acting) -> Result<KeyStatus, RetireError> {
    let (kid, acting) = (kid.to_owned(), acting.clone());
    let was = vestibule
        .store
        .write(async move |tx| {
            if let Err(ended) = acting.power(tx).await? {
                return Ok(Err(ended.into()));
            }
            let context = &acting.context;
            let keys = signing_keys::list(tx).await?;
            let Some(key) = keys.iter().find(|key| key.kid == kid) else {
                return Ok(Err(RetireError::Unknown(kid.clone())));
            };
            if key.status == KeyStatus::Current {
                return Ok(Err(RetireError::Current(kid.clone())));
            }
            signing_keys::delete(tx, &kid).await?;
            audit::insert(tx, &signing::removed(&kid, "retired", context)).await?;
            signing::announce(tx, context.now).await?;
            Ok(Ok(key.status))
        })
        .await??;
    activate_keys(vestibule).await;
    Ok(was)
}

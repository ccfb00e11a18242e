//! Retire a key: it leaves at once, and no token that it signed is accepted any more.

use crate::{
    domain::audit_event::RequestContext,
    flows::{Vestibule, open::keys::put_keys_in_force, steps::signing},
    store::{
        self, audit,
        signing_keys::{self, KeyStatus},
    },
};

/// Why no key left.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// There is none of this name.
    #[error("there is no key {0}; see `vestibule keys list`")]
    Unknown(String),
    /// Without it nothing could be signed.
    #[error(
        "the key {0} is the one that signs; put another in its place with `vestibule keys rotate --now`, then retire it"
    )]
    Current(String),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Removes the key `kid`, which no longer signs or doesn't yet; what it was.
///
/// # Errors
/// [`RetireError`].
pub async fn retire_key(vestibule: &Vestibule, kid: &str, context: &RequestContext) -> Result<KeyStatus, RetireError> {
    let (kid, context) = (kid.to_owned(), context.clone());
    let was = vestibule
        .store
        .write(async move |tx| {
            let keys = signing_keys::list(tx).await?;
            let Some(key) = keys.iter().find(|key| key.kid == kid) else {
                return Ok(Err(RetireError::Unknown(kid.clone())));
            };
            if key.status == KeyStatus::Current {
                return Ok(Err(RetireError::Current(kid.clone())));
            }
            signing_keys::delete(tx, &kid).await?;
            audit::insert(tx, &signing::removed(&kid, "retired", &context)).await?;
            signing::announce(tx, context.now).await?;
            Ok(Ok(key.status))
        })
        .await??;
    put_keys_in_force(vestibule).await;
    Ok(was)
}

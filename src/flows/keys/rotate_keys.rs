//! Rotate keys: a new key replaces the current key.
//!
//! With [`When::Published`] the new key is published first and signs ten minutes later; `advance_keys` performs this second
//! step. With [`When::Now`] the new key signs in the same second, for the case that the current key was compromised. In both
//! cases the previous key verifies until its last token has expired.

use crate::{
    domain::{Purpose, UnixTime, jwt::Algorithm, signing_key::SigningKey},
    flows::{
        Vestibule,
        open::keys::activate_keys,
        steps::{
            acting::{Acting, ActingError},
            signing::{self, ALGORITHM_KEY, NewKey},
        },
    },
    store::{self, meta, signing_keys},
};

/// The time at which the new key begins to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After it was published for [`signing::PUBLISHED_BEFORE_USE`] seconds, or at once if no key signs yet.
    Published,
    /// At once.
    Now,
}

/// The result of a rotation.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The `kid` of the new key.
    pub kid: String,
    /// The algorithm of the new key.
    pub algorithm: Algorithm,
    /// The time from which the new key signs.
    pub signs_from: UnixTime,
    /// The `kid` of the previous key, and the time until which it verifies. `None` if the previous key still signs, or if no
    /// key signed.
    pub retired: Option<(String, UnixTime)>,
    /// The `kid` of the previous next key, which was deleted. `None` if there was no next key.
    pub replaced: Option<String>,
}

/// An error of a rotation.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// `secret_key` of the configuration signs. It can be changed only there.
    #[error(
        "tokens are signed with secret_key of the configuration; change that, or remove it, and restart the server"
    )]
    SecretKey,
    /// The key is in the database already.
    #[error("the key {0} is in the database already; see `vestibule keys list`")]
    Known(String),
    /// The root secret was replaced after this process read it.
    #[error("the root secret was replaced in the meantime; try again")]
    SecretChanged,
    /// The acting user may not change the keys.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Inserts `key`, which will sign at once or after it was published for [`signing::PUBLISHED_BEFORE_USE`] seconds. Deletes the
/// present next key: there is only one next key, and the last rotation counts.
///
/// # Errors
/// [`RotateError`] if `secret_key` signs, if the key is in the database already, if the root secret was replaced, or if the
/// database fails. Then nothing was rotated.
pub async fn rotate_keys(
    vestibule: &Vestibule,
    key: SigningKey,
    when: When,
    acting: &Acting,
) -> Result<Rotated, RotateError> {
    if vestibule.config.keys.secret_key().is_some() {
        return Err(RotateError::SecretKey);
    }
    let (root, longest, acting) =
        (vestibule.key_source.root(), signing::longest_acceptance(&vestibule.config), acting.clone());
    let new = NewKey::seal(&key, &root.derive(Purpose::SealSigningKeys));
    let setting = vestibule.config.keys.algorithm.as_str();
    let rotated = vestibule
        .store
        .write(async move |tx| {
            if let Err(ended) = acting.power(tx).await? {
                return Ok(Err(ended.into()));
            }
            let context = &acting.context;
            if !signing::is_root_of_database(tx, &root).await? {
                return Ok(Err(RotateError::SecretChanged));
            }
            let keys = signing_keys::list(tx).await?;
            if keys.iter().any(|known| known.kid == new.kid) {
                return Ok(Err(RotateError::Known(new.kid.clone())));
            }
            // Before the first start of a server, the setting is recorded here. Otherwise the first start would treat it as
            // changed, and rotate the keys again.
            if meta::find(tx, ALGORITHM_KEY).await?.is_none() {
                meta::set(tx, ALGORITHM_KEY, setting).await?;
            }
            let at_once = when == When::Now || !keys.iter().any(|key| key.status == signing_keys::KeyStatus::Current);
            let (replaced, retired, signs_from) = if at_once {
                let (replaced, retired) = signing::sign_at_once(tx, &new, longest, context).await?;
                (replaced, retired, context.now)
            } else {
                let (replaced, signs_from) = signing::publish(tx, &new, context).await?;
                (replaced, None, signs_from)
            };
            signing::announce(tx, context.now).await?;
            Ok(Ok(Rotated { kid: new.kid.clone(), algorithm: new.algorithm, signs_from, retired, replaced }))
        })
        .await??;
    activate_keys(vestibule).await;
    Ok(rotated)
}

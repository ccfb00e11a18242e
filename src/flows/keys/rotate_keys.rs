//! Rotate keys: another key takes the place of the one that signs.
//!
//! Published first, it signs ten minutes later by itself (`advance_keys`). At once, it takes over in the same second: for a
//! key that was compromised. The key before it checks what it signed until that is over, in both cases.

use crate::{
    domain::{Purpose, UnixTime, audit_event::RequestContext, jwt::Algorithm, signing_key::SigningKey},
    flows::{
        Vestibule,
        open::keys::put_keys_in_force,
        steps::signing::{self, ALGORITHM_KEY, NewKey},
    },
    store::{self, meta, signing_keys},
};

/// When the new key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Once it was published for [`signing::PUBLISHED_BEFORE_USE`] seconds. Where no key signs yet, at once.
    Published,
    /// At once.
    Now,
}

/// What a rotation did.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The new key.
    pub kid: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// When it signs.
    pub signs_from: UnixTime,
    /// The key before it, and until when that checks; none while it still signs.
    pub retired: Option<(String, UnixTime)>,
    /// A key that waited to sign and gave way.
    pub replaced: Option<String>,
}

/// Why nothing was rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// `secret_key` signs, which only the configuration can change.
    #[error(
        "tokens are signed with secret_key of the configuration; change that, or remove it, and restart the server"
    )]
    SecretKey,
    /// The key is here already.
    #[error("the key {0} is here already; see `vestibule keys list`")]
    Known(String),
    /// The root secret was changed since this process read it.
    #[error("the root secret was changed meanwhile; try again")]
    SecretChanged,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Has `key` sign, at once or once it was published for long enough. A key that waits to sign gives way to it: there is one
/// next key, and the last word counts.
///
/// # Errors
/// [`RotateError`].
pub async fn rotate_keys(
    vestibule: &Vestibule,
    key: SigningKey,
    when: When,
    context: &RequestContext,
) -> Result<Rotated, RotateError> {
    if vestibule.config.keys.secret_key.is_some() {
        return Err(RotateError::SecretKey);
    }
    let (root, longest, context) =
        (vestibule.key_source.root(), signing::longest_acceptance(&vestibule.config), context.clone());
    let new = NewKey::seal(&key, &root.derive(Purpose::SealSigningKeys));
    let setting = signing::configured_algorithm(&vestibule.config).as_str();
    let rotated = vestibule
        .store
        .write(async move |tx| {
            if !signing::is_root_of_database(tx, &root).await? {
                return Ok(Err(RotateError::SecretChanged));
            }
            let keys = signing_keys::list(tx).await?;
            if keys.iter().any(|known| known.kid == new.kid) {
                return Ok(Err(RotateError::Known(new.kid.clone())));
            }
            // What the first server is started with is not a change of the setting.
            if meta::find(tx, ALGORITHM_KEY).await?.is_none() {
                meta::set(tx, ALGORITHM_KEY, setting).await?;
            }
            let at_once = when == When::Now || !keys.iter().any(|key| key.status == signing_keys::KeyStatus::Current);
            let (replaced, retired, signs_from) = if at_once {
                let (replaced, retired) = signing::sign_at_once(tx, &new, longest, &context).await?;
                (replaced, retired, context.now)
            } else {
                let (replaced, signs_from) = signing::publish(tx, &new, &context).await?;
                (replaced, None, signs_from)
            };
            signing::announce(tx, context.now).await?;
            Ok(Ok(Rotated { kid: new.kid.clone(), algorithm: new.algorithm, signs_from, retired, replaced }))
        })
        .await??;
    put_keys_in_force(vestibule).await;
    Ok(rotated)
}

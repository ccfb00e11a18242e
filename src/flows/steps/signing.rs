//! The steps in the life of a signing key, which the flows of keys share. A key is created and published, becomes the current
//! key, retires, and is deleted.
//!
//! A key is published before it signs, and it verifies until the last of its tokens has expired. So no request fails because of
//! a rotation. Each step is decided in a transaction. If several processes attempt a step, exactly one performs it.

use tokio::sync::Semaphore;

use crate::{
    config::Config,
    domain::{
        DerivedKey, RootSecret, UnixTime,
        audit_event::{AuditEvent, Event, RequestContext},
        change::Change,
        jwt::Algorithm,
        signing_key::{SealedKey, SigningKey},
    },
    flows::vestibule::CLOCK_STEP_MARGIN,
    store::{
        self, Tx, audit, meta, sessions,
        signing_keys::{self, KeyStatus, StoredKey},
    },
};

/// Seconds for which a key is published before it signs. A service may cache the key set for that long.
pub const PUBLISHED_BEFORE_USE: i64 = 600;

/// Seconds within which a running server follows a change of its keys. Until then it may still sign with the previous key.
const FOLLOW_MARGIN: i64 = 60;

/// The key in `meta` for the value that the setting `algorithm` had at the last start of a server.
pub(in crate::flows) const ALGORITHM_KEY: &str = "algorithm";

/// The key in `meta` for the recognition value of the root secret that belongs to the database.
pub(in crate::flows) const RECOGNITION_KEY: &str = "root_secret_recognition";

/// The key in `meta` for the position in the feed up to which the running server has followed changes of keys.
pub(in crate::flows) const FOLLOWED_KEY: &str = "keys_followed";

/// Returns whether the keys in the database are sealed under this root secret. This check runs in the transaction that adds a
/// key, because another process may have replaced the root secret.
pub(in crate::flows) async fn is_root_of_database(tx: &mut Tx, root: &RootSecret) -> store::Result<bool> {
    Ok(meta::find(tx, RECOGNITION_KEY).await? == Some(root.recognition()))
}

/// A new key that is sealed and ready for the database.
#[derive(Clone)]
pub(in crate::flows) struct NewKey {
    pub kid: String,
    pub algorithm: Algorithm,
    sealed: SealedKey,
}

impl NewKey {
    /// Seals the private part of `key` under the key `under`.
    pub(in crate::flows) fn seal(key: &SigningKey, under: &DerivedKey) -> Self {
        Self { kid: key.kid.clone(), algorithm: key.algorithm, sealed: key.seal(under) }
    }

    /// Returns the row of the key.
    fn stored(&self, status: KeyStatus, now: UnixTime, signs_from: UnixTime) -> StoredKey {
        StoredKey {
            kid: self.kid.clone(),
            algorithm: self.algorithm,
            sealed: self.sealed.clone(),
            status,
            created_at: now,
            signs_from,
        }
    }
}

/// One key is generated at a time, so that many requests for RSA keys leave the other processors to the other requests.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// Generates a key on a thread for blocking work, because the generation of an RSA key can take a second of CPU time.
pub async fn generate(algorithm: Algorithm) -> SigningKey {
    let _turn = ONE_AT_A_TIME.acquire().await;
    tokio::task::spawn_blocking(move || SigningKey::generate(algorithm))
        .await
        .expect("generating a key does not panic, and a runtime that is stopping runs no flow")
}

/// Returns the longest time, in seconds, for which a token that is issued now is accepted: the longest access token lifetime of
/// all clients, plus the leeway.
pub(in crate::flows) fn longest_acceptance(config: &Config) -> i64 {
    config.longest_access_token_lifetime().seconds() + config.tokens.leeway.seconds()
}

/// Inserts a key that will sign after it was published for [`PUBLISHED_BEFORE_USE`] seconds. Deletes the present next key,
/// which has signed nothing. Returns the `kid` of the deleted key, if there was a next key, and the time from which the new key
/// signs.
pub(in crate::flows) async fn publish(
    tx: &mut Tx,
    key: &NewKey,
    context: &RequestContext,
) -> store::Result<(Option<String>, UnixTime)> {
    let replaced = drop_next(tx, context).await?;
    let signs_from = context.now.plus(PUBLISHED_BEFORE_USE);
    signing_keys::insert(tx, &key.stored(KeyStatus::Next, context.now, signs_from)).await?;
    audit::insert(tx, &created(key, context).detail("signs_from", signs_from.to_string())).await?;
    Ok((replaced, signs_from))
}

/// Inserts a key that signs from now on. Retires the current key, and deletes the next key. `longest` is the result of
/// [`longest_acceptance`]. Returns the `kid` of the deleted key, and the `kid` of the retired key with the time until which it
/// verifies.
pub(in crate::flows) async fn sign_at_once(
    tx: &mut Tx,
    key: &NewKey,
    longest: i64,
    context: &RequestContext,
) -> store::Result<(Option<String>, Option<(String, UnixTime)>)> {
    let replaced = drop_next(tx, context).await?;
    let retired = retire_current(tx, longest, context).await?;
    signing_keys::insert(tx, &key.stored(KeyStatus::Current, context.now, context.now)).await?;
    audit::insert(tx, &created(key, context)).await?;
    Ok((replaced, retired))
}

/// Deletes the next key. Returns its `kid`, or `None` if there is no next key.
pub(in crate::flows) async fn drop_next(tx: &mut Tx, context: &RequestContext) -> store::Result<Option<String>> {
    let dropped = signing_keys::delete_next(tx).await?;
    if let Some(kid) = &dropped {
        audit::insert(tx, &removed(kid, "replaced", context)).await?;
    }
    Ok(dropped)
}

/// Retires the current key: it no longer signs, and it verifies until the last of its tokens has expired. This includes tokens
/// that were issued when a longer lifetime was configured, and tokens that a server issues until it has followed the change.
/// Returns the `kid` of the key with the time until which it verifies, or `None` if there is no current key.
pub(in crate::flows) async fn retire_current(
    tx: &mut Tx,
    longest: i64,
    context: &RequestContext,
) -> store::Result<Option<(String, UnixTime)>> {
    let given_out = sessions::latest_access_expiry(tx, None).await?.unwrap_or(context.now);
    let until = given_out.max(context.now).plus(longest + FOLLOW_MARGIN);
    let Some(kid) = signing_keys::retire_current(tx, until).await? else { return Ok(None) };
    let event = AuditEvent::new(Event::SigningKeyRetired, context).detail("kid", kid.clone());
    audit::insert(tx, &event.detail("until", until.to_string())).await?;
    Ok(Some((kid, until)))
}

/// The steps that were due and were performed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advanced {
    /// Whether the next key became the current key.
    pub promoted: bool,
    /// The number of retired keys that were deleted.
    pub removed: u64,
}

/// Performs the steps that are due: the next key becomes the current key, and retired keys whose last token has expired are
/// deleted.
pub(in crate::flows) async fn advance(tx: &mut Tx, longest: i64, context: &RequestContext) -> store::Result<Advanced> {
    let due = signing_keys::find_due(tx, context.now).await?;
    if let Some(kid) = &due {
        // The current key is retired first, because the table permits only one current key.
        retire_current(tx, longest, context).await?;
        signing_keys::promote_next(tx, context.now).await?;
        audit::insert(tx, &AuditEvent::new(Event::SigningKeyPromoted, context).detail("kid", kid.clone())).await?;
    }
    let removed = remove_expired(tx, context).await?;
    if due.is_some() {
        announce(tx, context.now).await?;
    }
    Ok(Advanced { promoted: due.is_some(), removed })
}

/// Deletes the retired keys whose last token has expired. Returns the number of deleted keys.
pub(in crate::flows) async fn remove_expired(tx: &mut Tx, context: &RequestContext) -> store::Result<u64> {
    let expired = signing_keys::delete_expired(tx, context.now).await?;
    for kid in &expired {
        audit::insert(tx, &removed(kid, "over", context)).await?;
    }
    if !expired.is_empty() {
        announce(tx, context.now).await?;
    }
    Ok(expired.len() as u64)
}

/// Announces to every process that the set of keys has changed. The announcement is kept for [`CLOCK_STEP_MARGIN`] seconds.
pub(in crate::flows) async fn announce(tx: &mut Tx, now: UnixTime) -> store::Result<()> {
    tx.announce(Change::SigningKeys, now, now.plus(CLOCK_STEP_MARGIN)).await
}

/// Returns the audit event of a new key.
fn created(key: &NewKey, context: &RequestContext) -> AuditEvent {
    let event = AuditEvent::new(Event::SigningKeyCreated, context).detail("kid", key.kid.clone());
    event.detail("algorithm", key.algorithm.as_str())
}

/// Returns the audit event of the deletion of a key.
pub(in crate::flows) fn removed(kid: &str, reason: &str, context: &RequestContext) -> AuditEvent {
    AuditEvent::new(Event::SigningKeyRemoved, context).detail("kid", kid).detail("reason", reason)
}

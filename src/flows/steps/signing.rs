//! The life of a signing key, as steps of the flows that change it: made, published, current, retiring, removed.
//!
//! A key is published before it signs and checks until its last token is over, so a rotation fails no request. Each step is
//! decided in a transaction: however many processes try, one of them takes it.

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

/// Seconds for which a key is published before it signs: a key set may be kept for that long.
pub const PUBLISHED_BEFORE_USE: i64 = 600;

/// Seconds within which a running server has surely followed a change of its keys, and signs with the key before no more.
const HANDED_OVER_WITHIN: i64 = 60;

/// What the database says of itself: the `algorithm` of the configuration with which a server was last started.
pub(in crate::flows) const ALGORITHM_KEY: &str = "algorithm";

/// What the database says of itself: which root secret it was made with.
pub(in crate::flows) const RECOGNITION_KEY: &str = "root_secret_recognition";

/// What the database says of itself: up to where in the feed the running server follows the changes of keys.
pub(in crate::flows) const FOLLOWED_KEY: &str = "keys_followed";

/// Whether the keys in the database are sealed under this root secret, asked in the transaction that adds one.
pub(in crate::flows) async fn is_root_of_database(tx: &mut Tx, root: &RootSecret) -> store::Result<bool> {
    Ok(meta::find(tx, RECOGNITION_KEY).await? == Some(root.recognition()))
}

/// A new key, ready for the database.
#[derive(Clone)]
pub(in crate::flows) struct NewKey {
    pub kid: String,
    pub algorithm: Algorithm,
    sealed: SealedKey,
}

impl NewKey {
    pub(in crate::flows) fn seal(key: &SigningKey, under: &DerivedKey) -> Self {
        Self { kid: key.kid.clone(), algorithm: key.algorithm, sealed: key.seal(under) }
    }

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

/// Makes a key, on a thread where nobody waits for the CPU that it takes.
pub async fn generate(algorithm: Algorithm) -> SigningKey {
    tokio::task::spawn_blocking(move || SigningKey::generate(algorithm))
        .await
        .expect("making a key does not panic, and a runtime that stops runs no flow")
}

/// The algorithm that the configuration asks for.
pub fn configured_algorithm(config: &Config) -> Algorithm {
    Algorithm::parse(config.keys.algorithm.as_str()).expect("both lists have the same names, which a test holds")
}

/// The longest time, in seconds, for which a token made now is accepted.
pub(in crate::flows) fn longest_acceptance(config: &Config) -> i64 {
    config.clients.longest_access_token_lifetime().seconds() + config.tokens.leeway.seconds()
}

/// Puts a key into the set that signs once it was published for long enough. One that waited for the same gives way: it has
/// signed nothing. Its `kid`, and when the new one signs.
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

/// Has a key sign from now on, in the place of the current one and of the next one.
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

/// Removes the key that would have signed next.
pub(in crate::flows) async fn drop_next(tx: &mut Tx, context: &RequestContext) -> store::Result<Option<String>> {
    let dropped = signing_keys::delete_next(tx).await?;
    if let Some(kid) = &dropped {
        audit::insert(tx, &removed(kid, "replaced", context)).await?;
    }
    Ok(dropped)
}

/// Has the current key sign no more, and check until the last of its tokens is over: those given out before, perhaps for
/// longer than today's setting says, and those that a server makes until it has followed.
pub(in crate::flows) async fn retire_current(
    tx: &mut Tx,
    longest: i64,
    context: &RequestContext,
) -> store::Result<Option<(String, UnixTime)>> {
    let given_out = sessions::latest_access_expiry(tx, None).await?.unwrap_or(context.now);
    let until = given_out.max(context.now).plus(longest + HANDED_OVER_WITHIN);
    let Some(kid) = signing_keys::retire_current(tx, until).await? else { return Ok(None) };
    let event = AuditEvent::new(Event::SigningKeyRetired, context).detail("kid", kid.clone());
    audit::insert(tx, &event.detail("until", until.to_string())).await?;
    Ok(Some((kid, until)))
}

/// What time made of the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advanced {
    /// Whether the next key became the current one.
    pub promoted: bool,
    /// How many retired keys left.
    pub removed: u64,
}

/// Does what is due: the next key signs, retired ones whose last token is over leave.
pub(in crate::flows) async fn advance(tx: &mut Tx, longest: i64, context: &RequestContext) -> store::Result<Advanced> {
    let due = signing_keys::find_due(tx, context.now).await?;
    if let Some(kid) = &due {
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

/// Removes the keys whose last token has expired. Returns how many it removed.
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

/// Tells every process that the set of keys is another one.
pub(in crate::flows) async fn announce(tx: &mut Tx, now: UnixTime) -> store::Result<()> {
    tx.announce(Change::SigningKeys, now, now.plus(CLOCK_STEP_MARGIN)).await
}

fn created(key: &NewKey, context: &RequestContext) -> AuditEvent {
    let event = AuditEvent::new(Event::SigningKeyCreated, context).detail("kid", key.kid.clone());
    event.detail("algorithm", key.algorithm.as_str())
}

pub(in crate::flows) fn removed(kid: &str, reason: &str, context: &RequestContext) -> AuditEvent {
    AuditEvent::new(Event::SigningKeyRemoved, context).detail("kid", kid).detail("reason", reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Profile, Sources};

    #[test]
    fn every_algorithm_can_be_configured() {
        for algorithm in Algorithm::ALL {
            let sources = Sources::isolated(Profile::Serve).set("algorithm", algorithm.as_str());
            let config = config::load(&sources).expect("it is allowed").config;
            assert_eq!(configured_algorithm(&config), *algorithm);
        }
    }
}

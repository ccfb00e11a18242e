//! The signing keys of a running process: the choice of the key that signs at a start, and the reload after changes.

use super::{error::OpenError, secret::RootSecretLookup};
use crate::{
    config::Config,
    domain::{Purpose, RootSecret, UnixTime, audit_event::RequestContext, jwt::Algorithm, signing_key::SigningKey},
    flows::{
        Vestibule,
        steps::signing::{self, ALGORITHM_KEY, FOLLOWED_KEY, NewKey},
    },
    memory::keyring::KeySet,
    store::{
        self, Store, Tx, changes, meta,
        signing_keys::{self, KeyStatus},
    },
};

/// Ensures that exactly one key signs: `secret_key` of the configuration if it is set, and otherwise a key of the database. If
/// the setting `algorithm` has changed since the last start, the keys are rotated at once. Tokens that an earlier key signed
/// are valid until they expire. A key that a command made current stays, whatever its algorithm.
pub(super) async fn choose_signing_key(
    store: &Store,
    config: &Config,
    root: &RootSecret,
    now: UnixTime,
) -> Result<(), OpenError> {
    let (longest, context) = (signing::longest_acceptance(config), RequestContext::internal(now));
    let by_time = context.clone();
    store.write(async move |tx| signing::advance(tx, longest, &by_time).await).await?;

    let choice = KeyChoice {
        wanted: config.keys.algorithm,
        is_shared: config.keys.secret_key().is_some(),
        root: root.clone(),
        longest,
        context,
    };
    let mut new = None;
    loop {
        // Generating an RSA key takes a second, and no transaction may take that long. So the key is generated between two
        // transactions, and the second transaction decides again.
        let (attempt, key) = (choice.clone(), new.take());
        match store.write(async move |tx| attempt.decide(tx, key.as_ref()).await).await? {
            ChosenKey::Settled => return Ok(()),
            ChosenKey::SecretReplaced => return Err(OpenError::SecretReplaced),
            ChosenKey::KeyIsMissing => {
                let key = signing::generate(choice.wanted).await;
                new = Some(NewKey::seal(&key, &root.derive(Purpose::SealSigningKeys)));
            }
        }
    }
}

/// The input of the choice of the signing key, besides the rows of the database.
#[derive(Clone)]
struct KeyChoice {
    /// The algorithm of the configuration.
    wanted: Algorithm,
    /// Whether `secret_key` of the configuration signs, so that no key of the database may sign.
    is_shared: bool,
    root: RootSecret,
    /// The longest time, in seconds, for which a token that is issued now is accepted.
    longest: i64,
    context: RequestContext,
}

/// The result of [`KeyChoice::decide`].
enum ChosenKey {
    /// The choice is made; the changes, if any, are written.
    Settled,
    /// Nothing was changed. A new key is needed, and the caller passed no key.
    KeyIsMissing,
    /// Nothing was changed. The root secret was replaced, and the keys are sealed under the new root secret.
    SecretReplaced,
}

impl KeyChoice {
    /// Decides which key signs. It runs in the transaction that writes the decision, so of several processes that start at
    /// once only one adds its key.
    async fn decide(&self, tx: &mut Tx, new: Option<&NewKey>) -> store::Result<ChosenKey> {
        let keys = signing_keys::list(tx).await?;
        let last = meta::find(tx, ALGORITHM_KEY).await?;
        let of = |status: KeyStatus| keys.iter().find(|key| key.status == status).map(|key| key.algorithm);
        let (current, next) = (of(KeyStatus::Current), of(KeyStatus::Next));
        let is_as_before = last.as_deref() == Some(self.wanted.as_str());
        // If `secret_key` signs, the database must have neither a current nor a next key. Otherwise it must have a current key.
        // This key may have another algorithm than the setting in two cases:
        // 1. The setting has not changed since the last start. So a command made the key current, and it stays.
        // 2. The next key has the algorithm of the setting.
        let is_settled = if self.is_shared {
            current.is_none() && next.is_none()
        } else {
            current.is_some() && (is_as_before || current == Some(self.wanted) || next == Some(self.wanted))
        };
        if is_settled && is_as_before {
            return Ok(ChosenKey::Settled);
        }
        if !signing::is_root_of_database(tx, &self.root).await? {
            return Ok(ChosenKey::SecretReplaced);
        }
        match new {
            // Only the recorded setting is outdated.
            _ if is_settled => {}
            _ if self.is_shared => {
                signing::drop_next(tx, &self.context).await?;
                signing::retire_current(tx, self.longest, &self.context).await?;
            }
            Some(new) => drop(signing::sign_at_once(tx, new, self.longest, &self.context).await?),
            None => return Ok(ChosenKey::KeyIsMissing),
        }
        meta::set(tx, ALGORITHM_KEY, self.wanted.as_str()).await?;
        if !is_settled {
            signing::announce(tx, self.context.now).await?;
        }
        Ok(ChosenKey::Settled)
    }
}

/// Returns the keys that sign and verify, from the configuration and the database, with the time from which this set is
/// outdated.
pub(super) async fn load_keys(store: &Store, config: &Config, root: &RootSecret) -> Result<KeySet, OpenError> {
    let stored = signing_keys::list(&mut *store.read().await?).await?;
    let sealing = root.derive(Purpose::SealSigningKeys);
    let (mut next, mut current, mut retiring, mut due) = (Vec::new(), None, Vec::new(), Vec::new());
    if let Some(secret) = config.keys.secret_key() {
        let signs = config.keys.algorithm;
        // Under the other algorithms, the secret verifies tokens that it signed before the setting `algorithm` was changed.
        for algorithm in Algorithm::ALL.iter().copied() {
            if algorithm.least_secret_bytes().is_none_or(|least| secret.expose().len() < least) {
                continue;
            }
            let key = SigningKey::shared_secret(algorithm, secret.expose());
            if algorithm == signs { current = Some(key) } else { retiring.push(key) }
        }
    }
    let mut created_at = None;
    for key in stored {
        let opened = SigningKey::open(&key.kid, key.algorithm, &key.sealed, &sealing)?;
        match key.status {
            KeyStatus::Next => {
                next.push(opened);
                due.push(key.signs_from);
            }
            KeyStatus::Current if current.is_none() => {
                current = Some(opened);
                created_at = Some(key.created_at);
            }
            // `secret_key` of the configuration signs, so this key only verifies.
            KeyStatus::Current => retiring.push(opened),
            KeyStatus::Retiring(until) => {
                retiring.push(opened);
                // The key still verifies in the second `until`.
                due.push(until.plus(1));
            }
        }
    }
    Ok(KeySet::new(next, current, retiring).with_outdated_from(due.into_iter().min()).with_created_at(created_at))
}

/// Waits until this process or another process has changed the set of signing keys, and activates the new set.
///
/// # Errors
/// [`OpenError::SecretForeign`] if no root secret that can be found belongs to the database; another [`OpenError`] if the root
/// secret or the keys can't be read, or if the position can't be recorded. If reading fails, the previous set stays active; if
/// only the record of the position fails, the new set is active.
pub async fn follow_keys(vestibule: &Vestibule) -> Result<(), OpenError> {
    vestibule.keys_changed.notified().await;
    reload_keys(vestibule).await
}

/// Activates the keys of the database. If that fails, it logs the error and requests another attempt.
pub async fn activate_keys(vestibule: &Vestibule) {
    if let Err(error) = reload_keys(vestibule).await {
        tracing::error!(%error, "can't reload the signing keys; trying again");
        vestibule.keys_changed.notify_one();
    }
}

/// Reads the root secret and the keys again, and activates the keys. If this process is a server, it then stores the position
/// in the feed up to which it has read.
async fn reload_keys(vestibule: &Vestibule) -> Result<(), OpenError> {
    let _alone = vestibule.key_source.reloading.lock().await;
    // The position is read before the keys. If a change is announced in between, the keys are read once more, which is
    // harmless.
    let seen = changes::last_key_change(&mut *vestibule.store.read().await?).await?;
    follow_root_secret(vestibule).await?;
    let keys = load_keys(&vestibule.store, &vestibule.config, &vestibule.key_source.root()).await?;
    vestibule.keyring.replace(keys);
    if vestibule.key_source.is_server {
        // The command that changed the keys waits for this value.
        vestibule.store.write(async move |tx| meta::set(tx, FOLLOWED_KEY, &seen.to_string()).await).await?;
    }
    Ok(())
}

/// Reads the root secret again, because a command may have replaced it since this process read it.
async fn follow_root_secret(vestibule: &Vestibule) -> Result<(), OpenError> {
    let lookup = RootSecretLookup {
        config: &vestibule.config,
        file: &vestibule.key_source.secret_file,
        database: &vestibule.database,
    };
    vestibule.key_source.replace_root(lookup.recognise(&vestibule.store, vestibule.key_source.root()).await?);
    Ok(())
}

/// Returns whether the running server has read the keys up to the position `announced` in the feed. Returns `false` if the
/// database fails.
pub(in crate::flows) async fn keys_are_followed(vestibule: &Vestibule, announced: i64) -> bool {
    let followed = async { meta::find(&mut *vestibule.store.read().await?, FOLLOWED_KEY).await };
    let followed = followed.await.ok().flatten();
    followed.and_then(|seq| seq.parse::<i64>().ok()).is_some_and(|seq| seq >= announced)
}

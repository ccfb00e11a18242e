//! The signing keys at a start: which one signs, and which still check.

use super::OpenError;
use crate::{
    config::{self, Config},
    domain::{
        UnixTime,
        audit_event::{AuditEvent, Event, Origin},
        change::Change,
        jwt::Algorithm,
        signing_key::SigningKey,
    },
    flows::{MARGIN, Secrets},
    memory::keyring::Keys,
    store::{Store, audit, sessions, signing_keys, signing_keys::KeyStatus},
};

fn algorithm(config: &Config) -> Algorithm {
    match config.keys.algorithm {
        config::Algorithm::Es256 => Algorithm::Es256,
        config::Algorithm::Hs256 => Algorithm::Hs256,
    }
}

/// Sees to it that the key which signs is the one that the configuration asks for. What an earlier one signed holds until
/// it is over.
pub(super) async fn choose_signing_key(
    store: &Store,
    config: &Config,
    secrets: &Secrets,
    now: UnixTime,
) -> Result<(), OpenError> {
    let keys = signing_keys::list(&mut *store.read().await?).await?;
    let current = keys.iter().find(|key| key.status == KeyStatus::Current).map(|key| key.algorithm);
    let shared = config.keys.secret_key.is_some();
    let wanted = algorithm(config);
    if (shared && current.is_none()) || (!shared && current == Some(wanted)) {
        return Ok(());
    }
    let new = (!shared).then(|| SigningKey::generate(wanted)).map(|key| (key.kid.clone(), key.seal(&secrets.sealing)));
    let longest = config.clients.longest_access_token_lifetime().seconds() + config.tokens.leeway.seconds();
    let origin = Origin::command_line(now);
    store
        .write(async move |tx| {
            // Some may have been given out for longer than today's setting says.
            let given_out = sessions::latest_access_expiry(tx, None).await?.unwrap_or(now);
            if let Some(kid) = signing_keys::retire_current(tx, given_out.max(now).plus(longest)).await? {
                audit::insert(tx, &AuditEvent::new(Event::SigningKeyRetired, &origin).detail("kid", kid)).await?;
            }
            if let Some((kid, sealed)) = &new {
                signing_keys::insert_current(tx, kid, wanted, sealed, now).await?;
                audit::insert(tx, &AuditEvent::new(Event::SigningKeyCreated, &origin).detail("kid", kid.clone()))
                    .await?;
            }
            tx.announce(Change::SigningKeys, now, now.plus(MARGIN)).await
        })
        .await?;
    Ok(())
}

/// The keys that sign and check, from the configuration and the database.
pub(super) async fn load_keys(store: &Store, config: &Config, secrets: &Secrets) -> Result<Keys, OpenError> {
    let stored = signing_keys::list(&mut *store.read().await?).await?;
    let (mut current, mut others) =
        (config.keys.secret_key.as_ref().map(|secret| SigningKey::shared_secret(secret.expose())), Vec::new());
    for key in stored {
        let opened = SigningKey::open(&key.kid, key.algorithm, &key.sealed, &secrets.sealing)?;
        if key.status == KeyStatus::Current && current.is_none() {
            current = Some(opened);
        } else {
            others.push(opened);
        }
    }
    // Only a command that runs before the first server finds none; it signs nothing, and leaves the making to the server.
    Ok(Keys::new(current.unwrap_or_else(|| SigningKey::generate(algorithm(config))), others))
}

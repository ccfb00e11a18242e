//! The clients of the database in the memory of the process, and the errors of their changes.

use crate::{
    config::Client,
    domain::{UnixTime, audience::Audiences, change::Change},
    flows::{Vestibule, steps::acting::ActingError, vestibule::CLOCK_STEP_MARGIN},
    store::{self, Tx, clients, clients::StoredClient},
};

/// An error of a change of the clients. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoredClientError {
    /// There is no client with this id in the database.
    #[error("there is no client {0:?}")]
    Unknown(String),
    /// There is a client with this id in the database.
    #[error("there is a client {0:?} already, in the database")]
    Exists(String),
    /// The client is in the configuration, where alone it can be changed.
    #[error("the client {0:?} is in the configuration; change it there")]
    Configured(String),
    /// The client is public, so it has no secret that could be replaced.
    #[error("the client {0:?} is public and has no secret; to give it one, remove it and add it again")]
    Public(String),
    /// The acting user may not change clients.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Reads the clients of the database, and activates them in this process.
pub async fn reload(vestibule: &Vestibule) -> store::Result<()> {
    let _alone = vestibule.clients_reloading.lock().await;
    let stored = clients::list(&mut *vestibule.store.read().await?).await?;
    for client in &stored {
        if vestibule.config.clients.get(&client.id).is_some() {
            tracing::error!(
                client = client.id,
                "this client is in the configuration and in the database; the one of the configuration counts. Remove one: \
                 `vestibule client remove`"
            );
        }
    }
    vestibule.clients.replace_stored(stored.into_iter().map(|client| settings(vestibule, client)).collect());
    Ok(())
}

/// Waits until this process or another one has changed the clients, and activates them.
///
/// # Errors
/// If the database fails. Then the previous clients stay active.
pub async fn follow_clients(vestibule: &Vestibule) -> store::Result<()> {
    vestibule.clients_changed.notified().await;
    reload(vestibule).await
}

/// Announces to every process that the clients have changed.
pub(in crate::flows) async fn announce(tx: &mut Tx, now: UnixTime) -> store::Result<()> {
    tx.announce(Change::Clients, now, now.plus(CLOCK_STEP_MARGIN)).await
}

/// Returns a stored client with the settings that it does not have itself.
fn settings(vestibule: &Vestibule, stored: StoredClient) -> Client {
    let own = || Audiences::one(&vestibule.config.tokens.audience);
    Client {
        audience: stored.audiences.unwrap_or_else(own),
        access_token_lifetime: vestibule.config.tokens.access_token_lifetime,
        refresh_token_lifetime: vestibule.config.sessions.refresh_token_lifetime,
        secret_hash: stored.secret_hash,
        scopes: stored.scopes,
        grants: stored.grants,
        id: stored.id,
    }
}

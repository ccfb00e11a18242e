//! Set client: somebody who administers adds a client, changes it, or gives it a new secret.

use crate::{
    domain::{
        Permission,
        audience::Audiences,
        audit_event::{AuditEvent, Event},
        client::ClientSecret,
        policy::Grants,
    },
    flows::{
        Vestibule,
        steps::{
            acting::Acting,
            client_registry::{self, StoredClientError},
        },
    },
    random,
    store::{
        audit,
        clients::{self, StoredClient},
    },
};

/// A client to add.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// The id.
    pub id: String,
    /// The name for a person.
    pub name: Option<String>,
    /// The audiences. `None`: the server's own.
    pub audiences: Option<Audiences>,
    /// The permissions that its tokens can contain. `None`: all permissions of the user.
    pub scopes: Option<Vec<Permission>>,
    /// The grants that it may use at `/token`.
    pub grants: Grants,
    /// Whether the client has no secret.
    pub is_public: bool,
}

/// The changes of a client. `None` changes nothing; an inner `None` removes the value.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// The name for a person.
    pub name: Option<Option<String>>,
    /// The audiences.
    pub audiences: Option<Option<Audiences>>,
    /// The permissions that its tokens can contain.
    pub scopes: Option<Option<Vec<Permission>>>,
    /// The grants.
    pub grants: Option<Grants>,
}

/// Adds a client. Returns it, and its secret unless it is public.
pub async fn add_client(
    vestibule: &Vestibule,
    new: NewClient,
    acting: &Acting,
) -> Result<(StoredClient, Option<ClientSecret>), StoredClientError> {
    refuse_configured(vestibule, &new.id)?;
    let secret = (!new.is_public).then(|| ClientSecret::from_bytes(random::bytes()));
    let client = StoredClient {
        id: new.id,
        name: new.name,
        audiences: new.audiences,
        scopes: new.scopes,
        grants: new.grants,
        secret_hash: secret.as_ref().map(ClientSecret::hash),
        created_at: acting.context.now,
    };
    let added = write(vestibule, &client.id.clone(), Event::ClientAdded, acting, move |found| match found {
        Some(found) => Err(StoredClientError::Exists(found.id)),
        None => Ok(client.clone()),
    })
    .await?;
    Ok((added, secret))
}

/// Changes a client. Returns the changed client. If nothing differs, nothing is written.
pub async fn change_client(
    vestibule: &Vestibule,
    id: &str,
    change: ClientChange,
    acting: &Acting,
) -> Result<StoredClient, StoredClientError> {
    let owned = id.to_owned();
    write(vestibule, id, Event::ClientChanged, acting, move |found| {
        let found = found.ok_or_else(|| StoredClientError::Unknown(owned.clone()))?;
        Ok(StoredClient {
            name: change.name.clone().unwrap_or(found.name),
            audiences: change.audiences.clone().unwrap_or(found.audiences),
            scopes: change.scopes.clone().unwrap_or(found.scopes),
            grants: change.grants.unwrap_or(found.grants),
            ..found
        })
    })
    .await
}

/// Gives a confidential client a new secret, and returns it. The old one does not count any longer. A public client is refused:
/// the browsers and devices in which it runs could not use a secret.
pub async fn renew_secret(vestibule: &Vestibule, id: &str, acting: &Acting) -> Result<ClientSecret, StoredClientError> {
    let secret = ClientSecret::from_bytes(random::bytes());
    let (owned, hash) = (id.to_owned(), secret.hash());
    write(vestibule, id, Event::ClientChanged, acting, move |found| {
        let found = found.ok_or_else(|| StoredClientError::Unknown(owned.clone()))?;
        if found.secret_hash.is_none() {
            return Err(StoredClientError::Public(owned.clone()));
        }
        Ok(StoredClient { secret_hash: Some(hash.clone()), ..found })
    })
    .await?;
    Ok(secret)
}

/// Refuses the id of a client of the configuration.
fn refuse_configured(vestibule: &Vestibule, id: &str) -> Result<(), StoredClientError> {
    match vestibule.config.clients.get(id) {
        Some(_) => Err(StoredClientError::Configured(id.to_owned())),
        None => Ok(()),
    }
}

/// Replaces the client `id` by the result of `make`, and activates it in this process. The other processes follow.
async fn write(
    vestibule: &Vestibule,
    id: &str,
    event: Event,
    acting: &Acting,
    make: impl Fn(Option<StoredClient>) -> Result<StoredClient, StoredClientError> + Send + Sync + 'static,
) -> Result<StoredClient, StoredClientError> {
    refuse_configured(vestibule, id)?;
    let (id, acting) = (id.to_owned(), acting.clone());
    let written = vestibule
        .store
        .write(async move |tx| {
            let power = match acting.power(tx).await? {
                Ok(power) => power,
                Err(ended) => return Ok(Err(ended.into())),
            };
            let found = clients::find(tx, &id).await?;
            let earlier = found.clone();
            let client = match make(found) {
                Ok(client) => client,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let before = earlier.as_ref().and_then(|earlier| earlier.scopes.as_deref());
            if let Err(refusal) = power.check_widens_client(before, client.scopes.as_deref()) {
                return Ok(Err(StoredClientError::Acting(refusal.into())));
            }
            let changed = earlier.as_ref().map(|earlier| earlier.differences(&client));
            if changed.as_ref().is_some_and(Vec::is_empty) {
                // Nothing changes, so nothing is written.
                return Ok(Ok(client));
            }
            clients::set(tx, &client).await?;
            let event = AuditEvent::new(event, &acting.context).detail("client", id.clone());
            let event = match changed {
                Some(changed) => event.detail("changed", changed),
                None => event,
            };
            audit::insert(tx, &event).await?;
            client_registry::announce(tx, acting.context.now).await?;
            Ok(Ok(client))
        })
        .await??;
    client_registry::reload(vestibule).await?;
    Ok(written)
}

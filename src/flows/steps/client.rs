//! Identification of the client that sends a request. Logins, refreshes and the OAuth endpoints share this step.
//!
//! A client is treated as confidential only when it authenticates with its secret. So the sessions of a confidential client
//! are opened and refreshed at the OAuth endpoints alone: no other endpoint takes a secret.

use std::sync::Arc;

use crate::{config::Client, flows::Vestibule};

/// A client that the caller may act as: a public client, or a confidential client that has authenticated.
#[derive(Clone, Debug)]
pub struct KnownClient(Arc<Client>);

impl KnownClient {
    /// Returns the settings of the client.
    pub fn settings(&self) -> &Client {
        &self.0
    }
}

/// An error of the identification of a client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no client with this id.
    #[error("there is no client {0:?}")]
    Unknown(String),
    /// The client is confidential, and the request has no secret or a wrong secret.
    #[error("the client {0:?} did not authenticate")]
    Unauthenticated(String),
    /// The client is public and has no secret, but the request has a secret.
    #[error("the client {0:?} has no secret")]
    Public(String),
}

/// Returns the client `id`, if it is public.
///
/// # Errors
/// [`ClientError::Unknown`] if there is no such client, or [`ClientError::Unauthenticated`] if the client is confidential.
pub fn public_client(vestibule: &Vestibule, id: &str) -> Result<KnownClient, ClientError> {
    authenticate_client(vestibule, id, None)
}

/// Returns the client `id`, if it is public and `secret` is `None`, or if it is confidential and `secret` is its secret. The
/// hashes of the secrets are compared in constant time.
///
/// # Errors
/// [`ClientError`] in all other cases.
pub fn authenticate_client(vestibule: &Vestibule, id: &str, secret: Option<&str>) -> Result<KnownClient, ClientError> {
    let client = vestibule.clients.get(id).ok_or_else(|| ClientError::Unknown(id.to_owned()))?;
    match (&client.secret_hash, secret) {
        (None, None) => Ok(KnownClient(client)),
        (Some(hash), Some(secret)) if hash.matches(secret) => Ok(KnownClient(client)),
        (Some(_), _) => Err(ClientError::Unauthenticated(id.to_owned())),
        (None, Some(_)) => Err(ClientError::Public(id.to_owned())),
    }
}

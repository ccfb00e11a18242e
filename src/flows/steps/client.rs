//! The step that a login, a refresh and the OAuth endpoints share: which client calls, and whether it may say so.
//!
//! A confidential client is one only to whoever shows its secret. So its sessions open and go on at the OAuth endpoints alone:
//! nothing else asks for a secret.

use crate::{config::Client, flows::Vestibule};

/// A client that the caller may act as: a public one that was named, or a confidential one that was proved.
#[derive(Clone, Copy, Debug)]
pub struct KnownClient<'v>(&'v Client);

impl<'v> KnownClient<'v> {
    /// Its settings.
    pub fn settings(self) -> &'v Client {
        self.0
    }
}

/// Why the caller is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is none of that name.
    #[error("no client is called {0:?}")]
    Unknown(String),
    /// It is confidential, and no secret was shown, or another one.
    #[error("the client {0:?} was not proved")]
    Unproved(String),
    /// It is public, and has no secret that could be shown.
    #[error("the client {0:?} has no secret")]
    Public(String),
}

/// The client `id`, if it is public.
///
/// # Errors
/// [`ClientError::Unknown`], [`ClientError::Unproved`].
pub fn public_client<'v>(vestibule: &'v Vestibule, id: &str) -> Result<KnownClient<'v>, ClientError> {
    authenticate_client(vestibule, id, None)
}

/// The client `id`, once `secret` is what it should be. Secrets are compared by their hashes, in constant time.
///
/// # Errors
/// [`ClientError`].
pub fn authenticate_client<'v>(
    vestibule: &'v Vestibule,
    id: &str,
    secret: Option<&str>,
) -> Result<KnownClient<'v>, ClientError> {
    let client = vestibule.config.clients.get(id).ok_or_else(|| ClientError::Unknown(id.to_owned()))?;
    match (&client.secret_hash, secret) {
        (None, None) => Ok(KnownClient(client)),
        (Some(hash), Some(secret)) if hash.matches(secret) => Ok(KnownClient(client)),
        (Some(_), _) => Err(ClientError::Unproved(id.to_owned())),
        (None, Some(_)) => Err(ClientError::Public(id.to_owned())),
    }
}

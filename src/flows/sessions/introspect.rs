//! Introspect (RFC 7662): whether a token is live now, and what it says, for whoever it concerns. Changes nothing: a refresh
//! token that is looked at is not used.

use std::sync::Arc;

use crate::{
    config::Client,
    domain::{AccessClaims, UnixTime, User, refresh_token::RefreshClaims, scope},
    flows::{
        Vestibule,
        steps::{
            authenticate::{LiveRefresh, RefreshLookError, authenticate, look_at_refresh},
            client::KnownClient,
            grants::granted,
        },
    },
    store,
};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Asking<'r> {
    /// A confidential client, proved.
    Client(KnownClient<'r>),
    /// Somebody who has the permission to.
    Bearer(&'r AccessClaims),
}

/// A live token that concerns whoever asked.
#[derive(Debug)]
pub enum Introspected {
    /// An access token.
    Access(Arc<AccessClaims>),
    /// A refresh token, whose it is, and what it would get.
    Refresh {
        /// What it says.
        claims: RefreshClaims,
        /// Whose it is.
        user: Box<User>,
        /// The permissions that the next access token would carry, joined by spaces.
        scope: String,
    },
}

/// What is to be said of a token; nothing where it is not live, or does not concern whoever asks.
///
/// # Errors
/// [`store::Error`].
pub async fn introspect(
    vestibule: &Vestibule,
    token: &str,
    asking: Asking<'_>,
    now: UnixTime,
) -> store::Result<Option<Introspected>> {
    if let Ok(claims) = authenticate(vestibule, token, now) {
        return Ok(concerns_access(asking, &claims).then_some(Introspected::Access(claims)));
    }
    let LiveRefresh { claims, session, user } = match look_at_refresh(vestibule, token, now).await {
        Ok(live) => live,
        Err(RefreshLookError::Token(_) | RefreshLookError::Over(_)) => return Ok(None),
        Err(RefreshLookError::Store(error)) => return Err(error),
    };
    let Some(client) = vestibule.config.clients.get(&claims.client_id) else { return Ok(None) };
    let scope = scope::text(&granted(&user, &session, client));
    let concerns = concerns_refresh(asking, client);
    Ok(concerns.then(|| Introspected::Refresh { claims, user: Box::new(user), scope }))
}

/// Its client, or the audience that it was made for.
fn concerns_access(asking: Asking<'_>, claims: &AccessClaims) -> bool {
    match asking {
        Asking::Client(client) => claims.client_id == client.settings().id || claims.aud == client.settings().audience,
        Asking::Bearer(bearer) => claims.aud == bearer.aud,
    }
}

/// A refresh token is for its client alone. A bearer may ask about those whose access tokens are for the bearer's audience.
fn concerns_refresh(asking: Asking<'_>, owner: &Client) -> bool {
    match asking {
        Asking::Client(client) => client.settings().id == owner.id,
        Asking::Bearer(bearer) => bearer.aud == owner.audience,
    }
}

//! Introspect (RFC 7662): whether a token is live now, and what it says, for whoever it concerns. Changes nothing: a refresh
//! token that is looked at is not used.

use std::sync::Arc;

use crate::{
    config::Client,
    domain::{AccessClaims, UnixTime, User, refresh_token::RefreshClaims, scope},
    flows::{
        Vestibule,
        steps::{
            authenticate::{InspectRefreshTokenError, LiveRefreshToken, authenticate, inspect_refresh_token},
            client::KnownClient,
            grants::granted_permissions,
        },
    },
    store,
};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Requester<'r> {
    /// A confidential client, proved.
    Client(KnownClient<'r>),
    /// Somebody who has the permission to.
    Bearer(&'r AccessClaims),
}

/// A live token that concerns whoever asked.
#[derive(Debug)]
pub enum IntrospectedToken {
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
    requester: Requester<'_>,
    now: UnixTime,
) -> store::Result<Option<IntrospectedToken>> {
    if let Ok(claims) = authenticate(vestibule, token, now) {
        return Ok(may_see_access_token(requester, &claims).then_some(IntrospectedToken::Access(claims)));
    }
    let LiveRefreshToken { claims, session, user } = match inspect_refresh_token(vestibule, token, now).await {
        Ok(live) => live,
        Err(InspectRefreshTokenError::Token(_) | InspectRefreshTokenError::SessionEnded(_)) => return Ok(None),
        Err(InspectRefreshTokenError::Store(error)) => return Err(error),
    };
    let Some(client) = vestibule.config.clients.get(&claims.client_id) else { return Ok(None) };
    let scope = scope::text(&granted_permissions(&user, &session, client));
    let concerns = may_see_refresh_token(requester, client);
    Ok(concerns.then(|| IntrospectedToken::Refresh { claims, user: Box::new(user), scope }))
}

/// Its client, or the audience that it was made for.
fn may_see_access_token(requester: Requester<'_>, claims: &AccessClaims) -> bool {
    match requester {
        Requester::Client(client) => {
            claims.client_id == client.settings().id || claims.aud == client.settings().audience
        }
        Requester::Bearer(bearer) => claims.aud == bearer.aud,
    }
}

/// A refresh token is for its client alone. A bearer may ask about those whose access tokens are for the bearer's audience.
fn may_see_refresh_token(requester: Requester<'_>, owner: &Client) -> bool {
    match requester {
        Requester::Client(client) => client.settings().id == owner.id,
        Requester::Bearer(bearer) => bearer.aud == owner.audience,
    }
}

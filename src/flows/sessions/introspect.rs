//! Introspect (RFC 7662): returns the claims of a live token to a caller that may see them. Introspection changes nothing. In
//! particular, it does not rotate a refresh token.

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

/// The caller of an introspection.
#[derive(Clone, Debug)]
pub enum Requester<'r> {
    /// A confidential client that has authenticated.
    Client(KnownClient),
    /// A bearer of an access token with the permission for introspection.
    Bearer(&'r AccessClaims),
}

/// A live token that the caller may see.
#[derive(Debug)]
pub enum IntrospectedToken {
    /// An access token.
    Access(Arc<AccessClaims>),
    /// A refresh token.
    Refresh {
        /// The claims of the refresh token.
        claims: RefreshClaims,
        /// The user of the session.
        user: Box<User>,
        /// The permissions that the next access token would have, joined by spaces.
        scope: String,
    },
}

/// Returns the data of a live token. Returns `None` if the token is not live, or if the caller may not see it.
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
    let Some(client) = vestibule.clients.get(&claims.client_id) else { return Ok(None) };
    let scope = scope::text(&granted_permissions(&user, &session, &client));
    let concerns = may_see_refresh_token(requester, &client);
    Ok(concerns.then(|| IntrospectedToken::Refresh { claims, user: Box::new(user), scope }))
}

/// Returns whether the caller may see the access token. A client may see its own tokens and the tokens with one of its
/// audiences. A
/// bearer may see the tokens with the audience of the bearer's token.
fn may_see_access_token(requester: Requester<'_>, claims: &AccessClaims) -> bool {
    match requester {
        Requester::Client(client) => {
            claims.client_id == client.settings().id || client.settings().audience.contains(&claims.aud)
        }
        Requester::Bearer(bearer) => claims.aud == bearer.aud,
    }
}

/// Returns whether the caller may see a refresh token of the client `owner`. A client may see its own tokens. A bearer may see
/// the tokens of a client that has the audience of the bearer's token.
fn may_see_refresh_token(requester: Requester<'_>, owner: &Client) -> bool {
    match requester {
        Requester::Client(client) => client.settings().id == owner.id,
        Requester::Bearer(bearer) => owner.audience.contains(&bearer.aud),
    }
}

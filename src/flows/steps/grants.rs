//! The permissions of the tokens of a session, and the expiry time of its access tokens.

use crate::{
    config::Client,
    domain::{Permission, UnixTime, User, session::Session},
};

/// Returns the permissions that tokens of a session may have: the user's present permissions, without those that are outside
/// of the client's scopes or of the scope with which the session was opened.
pub(crate) fn granted_permissions(user: &User, session: &Session, client: &Client) -> Vec<Permission> {
    let mut permissions = client.permitted(&user.permissions);
    if let Some(scope) = &session.scope {
        permissions.retain(|permission| scope.has(permission));
    }
    permissions
}

/// Returns the expiry time of an access token that is issued at `now`. It is never later than the end of the session:
/// `expires_at` or `refresh_expires_at`, whichever is earlier.
pub(crate) fn access_expiry(session: &Session, client: &Client, now: UnixTime) -> UnixTime {
    now.plus(client.access_token_lifetime.seconds()).min(session.expires_at).min(session.refresh_expires_at)
}

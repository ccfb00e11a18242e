//! What tokens of a session may say, and for how long.

use crate::{
    config::Client,
    domain::{Permission, UnixTime, User, session::Session},
};

/// The permissions that tokens of a session may carry: of those that the user has now, those within the client's scopes and
/// within the scope that the session was opened with.
pub(crate) fn granted_permissions(user: &User, session: &Session, client: &Client) -> Vec<Permission> {
    let mut permissions = client.permitted(&user.permissions);
    if let Some(scope) = &session.scope {
        permissions.retain(|permission| scope.has(permission));
    }
    permissions
}

/// When an access token made now is over: never past the session's end.
pub(crate) fn access_expiry(session: &Session, client: &Client, now: UnixTime) -> UnixTime {
    now.plus(client.access_token_lifetime.seconds()).min(session.expires_at).min(session.refresh_expires_at)
}

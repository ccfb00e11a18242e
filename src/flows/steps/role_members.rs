//! Steps about the members of roles: a member loses a permission at once, and at least one admin always remains.

use crate::{
    domain::{RoleName, UnixTime, User, permission::ADMIN_ROLE},
    store::{self, Tx, roles, users},
};

/// Raises the authorization version of each user who loses permissions by a change of roles, so that their access tokens are
/// refused. These users are the members of `role` (nobody if it is `None`) and, if `admins_lose` is true, all admins, because
/// an admin has every permission that any role has. Each announcement is kept until `revocation_ttl` seconds after the user's
/// last access token has expired. Returns the number of users.
pub(in crate::flows) async fn invalidate_tokens_of_members(
    tx: &mut Tx,
    revocation_ttl: i64,
    role: Option<&RoleName>,
    admins_lose: bool,
    now: UnixTime,
) -> store::Result<usize> {
    roles::raise_authorization_versions(tx, role, admins_lose).await?;
    tx.announce_versions(role, admins_lose, now, revocation_ttl).await
}

/// Returns whether the user is the only admin who can sign in. An admin can sign in if the account is not disabled and has a
/// password. So an invited admin who has not chosen a password yet does not count.
pub(crate) async fn is_last_admin(tx: &mut Tx, user: &User) -> store::Result<bool> {
    let is_admin = user.disabled_at.is_none() && user.roles.iter().any(|role| role == ADMIN_ROLE);
    if !is_admin || users::find_password_hash(tx, user.id).await?.is_none() {
        return Ok(false);
    }
    Ok(roles::count_admins(tx).await? <= 1)
}

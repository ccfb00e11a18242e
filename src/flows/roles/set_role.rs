//! Set role: an operator says which permissions a role stands for, and makes it where there is none.
//!
//! Taking a permission away is in force at once: the authorization version of whoever loses something goes up. Giving one is
//! not: older tokens say less than is true, and nothing untrue.

use std::collections::BTreeSet;

use crate::{
    domain::{
        Permission, RoleName, UserId,
        audit_event::{AuditEvent, Event, RequestContext},
        permission::ADMIN_ROLE,
    },
    flows::{Vestibule, steps::role_members::invalidate_tokens_of_members},
    store::{self, audit, roles, users},
};

/// Why a role stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum SetRoleError {
    /// What it has is not to be set.
    #[error("the role {ADMIN_ROLE} has every permission; it can't be set")]
    Admin,
    /// Somebody's access token would be too long.
    #[error("{} would get too much: {message}", name.as_deref().unwrap_or(&id.to_string()))]
    TooMuch {
        /// Whose.
        id: UserId,
        /// What they are called.
        name: Option<String>,
        /// By how much.
        message: String,
    },
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Gives a role exactly these permissions; how many people's access tokens that ended.
///
/// # Errors
/// [`SetRoleError`].
pub async fn set_role(
    vestibule: &Vestibule,
    role: RoleName,
    permissions: BTreeSet<Permission>,
    context: &RequestContext,
) -> Result<usize, SetRoleError> {
    if role.as_str() == ADMIN_ROLE {
        return Err(SetRoleError::Admin);
    }
    let (room, revocation_ttl, now) = (vestibule.token_size_budget(), vestibule.revocation_ttl(), context.now);
    let names: Vec<&str> = permissions.iter().map(Permission::as_str).collect();
    let event = AuditEvent::new(Event::RoleChanged, context).detail("role", role.as_str()).detail("permissions", names);
    vestibule
        .store
        .write(async move |tx| {
            let before = roles::find_all(tx).await?;
            let after = before.with(role.as_str(), Some(permissions.clone()));
            let held = before.permissions(role.as_str());
            if !permissions.is_subset(&held) {
                // An admin gets what a role gets.
                for user in users::list_with_role(tx, role.as_str(), true).await? {
                    let all = after.of_user(user.roles.iter().map(String::as_str), &user.direct_permissions);
                    if let Err(message) = room.check(&user.claims, &user.roles, &all) {
                        let name = user.username.or(user.email);
                        return Ok(Err(SetRoleError::TooMuch { id: user.id, name, message }));
                    }
                }
            }
            roles::insert(tx, &role, now).await?;
            roles::set_permissions(tx, &role, &permissions).await?;
            let takes = !held.is_subset(&permissions);
            let admins_lose = !before.all().is_subset(&after.all());
            let outdated =
                invalidate_tokens_of_members(tx, revocation_ttl, takes.then_some(&role), admins_lose, now).await?;
            audit::insert(tx, &event).await?;
            Ok(Ok(outdated))
        })
        .await?
}

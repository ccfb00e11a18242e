//! Set role: an operator sets the permissions of a role. The role is created if it is absent.
//!
//! The removal of a permission takes effect at once: it raises the authorization version of each user who loses a permission.
//! An added permission takes effect with the next token: an earlier token lacks the permission, but contains nothing untrue.

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

/// An error of the change of a role.
#[derive(Debug, thiserror::Error)]
pub enum SetRoleError {
    /// The role is `admin`. It has every permission, so its permissions can't be set.
    #[error("the role {ADMIN_ROLE} has every permission; it can't be set")]
    Admin,
    /// The access token of a user would be too long.
    #[error("the access token of {} would be too long: {message}", name.as_deref().unwrap_or(&id.to_string()))]
    TokenTooLong {
        /// The user's id.
        id: UserId,
        /// The username, or else the email address.
        name: Option<String>,
        /// The size and the limit, in bytes, as a sentence.
        message: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Replaces the permissions of a role. Creates the role if it is absent. Returns the number of users whose access tokens became
/// invalid, because a role of theirs loses a permission.
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
                // Only an added permission can make a token too long. An admin has every permission of every role, so admins
                // are checked as well.
                for user in users::list_with_role(tx, role.as_str(), true).await? {
                    let all = after.of_user(user.roles.iter().map(String::as_str), &user.direct_permissions);
                    if let Err(message) = room.check(&user.claims, &user.roles, &all) {
                        let name = user.username.or(user.email);
                        return Ok(Err(SetRoleError::TokenTooLong { id: user.id, name, message }));
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

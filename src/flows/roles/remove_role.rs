//! Remove role: deletes a role. Its members lose the role at once.

use crate::{
    domain::{
        RoleName,
        audit_event::{AuditEvent, Event},
        permission::ADMIN_ROLE,
    },
    flows::{
        Vestibule,
        steps::{
            acting::{Acting, ActingError},
            role_members::invalidate_tokens_of_members,
        },
    },
    store::{self, audit, roles},
};

/// An error of the removal of a role.
#[derive(Debug, thiserror::Error)]
pub enum RemoveRoleError {
    /// The role is `admin`, without which nobody could administer the server.
    #[error("the role {ADMIN_ROLE} can't be removed")]
    Admin,
    /// The acting user may not remove the role.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// There is no such role. Contains the unknown name, and the names of all roles as a list for the message.
    #[error("there is no role {0:?}; there are: {1}")]
    Unknown(String, String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Removes a role. Returns the number of users whose access tokens became invalid.
pub async fn remove_role(vestibule: &Vestibule, role: RoleName, acting: &Acting) -> Result<usize, RemoveRoleError> {
    if role.as_str() == ADMIN_ROLE {
        return Err(RemoveRoleError::Admin);
    }
    let (revocation_ttl, now) = (vestibule.revocation_ttl(), acting.context.now);
    let acting = acting.clone();
    let event = AuditEvent::new(Event::RoleRemoved, &acting.context).detail("role", role.as_str());
    vestibule
        .store
        .write(async move |tx| {
            let power = match acting.power(tx).await? {
                Ok(power) => power,
                Err(ended) => return Ok(Err(ended.into())),
            };
            let before = roles::find_all(tx).await?;
            if !before.has(role.as_str()) {
                let known = before.names().collect::<Vec<_>>().join(", ");
                return Ok(Err(RemoveRoleError::Unknown(role.as_str().to_owned(), known)));
            }
            if let Err(refusal) = power.check_takes_role(role.as_str(), before.permissions(role.as_str()).iter()) {
                return Ok(Err(RemoveRoleError::Acting(refusal.into())));
            }
            // An admin has every permission of every role. Admins lose a permission that only this role has.
            let admins_lose = !before.all().is_subset(&before.with(role.as_str(), None).all());
            // The members must be read before the role is deleted. Their tokens contain the role's name, so they are outdated
            // even if the role has no permission.
            let outdated = invalidate_tokens_of_members(tx, revocation_ttl, Some(&role), admins_lose, now).await?;
            roles::remove(tx, &role).await?;
            audit::insert(tx, &event).await?;
            Ok(Ok(outdated))
        })
        .await?
}

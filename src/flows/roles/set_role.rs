//! Set role: somebody who administers changes the permissions of a role. The role is created if it is absent.
//!
//! The removal of a permission takes effect at once: it raises the authorization version of each user who loses a permission.
//! An added permission takes effect with the next token: an earlier token lacks the permission, but contains nothing untrue.

use std::collections::BTreeSet;

use crate::{
    domain::{
        Permission, RoleName, Roles, UserId,
        audit_event::{AuditEvent, Event},
        permission::ADMIN_ROLE,
        power::{Power, PowerError},
    },
    flows::{
        Vestibule,
        steps::{
            acting::{Acting, ActingError},
            role_members::invalidate_tokens_of_members,
        },
    },
    store::{self, audit, roles, users},
};

/// An error of the change of a role.
#[derive(Debug, thiserror::Error)]
pub enum SetRoleError {
    /// The role is `admin`. It has every permission, so its permissions can't be set.
    #[error("the role {ADMIN_ROLE} has every permission; it can't be set")]
    Admin,
    /// The acting user may not make the change.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// A new role can't have the name, because it would be a part of a path that clients leave out (RFC 3986 §5.2.4).
    #[error("a role can't be called {0:?}")]
    Name(String),
    /// A role with this name exists already.
    #[error("there is a role {0:?} already")]
    Exists(String),
    /// There is no such role. Contains the unknown name, and the names of all roles as a list for the message.
    #[error("there is no role {0:?}; there are: {1}")]
    Unknown(String, String),
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

/// A change of the permissions of a role.
#[derive(Clone, Debug)]
pub enum RoleChange {
    /// The role is new and has exactly these permissions.
    Create(BTreeSet<Permission>),
    /// The role exists already and has exactly these permissions.
    Replace(BTreeSet<Permission>),
    /// The role has exactly these permissions.
    Set(BTreeSet<Permission>),
    /// The role has these permissions too.
    Add(BTreeSet<Permission>),
    /// The role has none of these permissions.
    Drop(BTreeSet<Permission>),
}

impl RoleChange {
    /// Returns the permissions after the change of a role with the permissions `held`.
    fn apply(&self, held: &BTreeSet<Permission>) -> BTreeSet<Permission> {
        match self {
            Self::Create(permissions) | Self::Replace(permissions) | Self::Set(permissions) => permissions.clone(),
            Self::Add(more) => held | more,
            Self::Drop(less) => held - less,
        }
    }
}

/// What a change of a role did.
#[derive(Debug, PartialEq, Eq)]
pub struct RoleChanged {
    /// The permissions that the role lost.
    pub lost: BTreeSet<Permission>,
    /// The number of users whose access tokens became invalid, because a role of theirs lost a permission.
    pub outdated: usize,
}

/// Changes the permissions of a role. Creates the role if it is absent, except to drop or to replace permissions. If the
/// role has these permissions already, nothing is written.
///
/// # Errors
/// [`SetRoleError`]. Then nothing was changed.
pub async fn set_role(
    vestibule: &Vestibule,
    role: RoleName,
    change: RoleChange,
    acting: &Acting,
) -> Result<RoleChanged, SetRoleError> {
    if role.as_str() == ADMIN_ROLE {
        return Err(SetRoleError::Admin);
    }
    let (room, revocation_ttl, now) = (vestibule.token_size_budget(), vestibule.revocation_ttl(), acting.context.now);
    let acting = acting.clone();
    let event = AuditEvent::new(Event::RoleChanged, &acting.context).detail("role", role.as_str());
    vestibule
        .store
        .write(async move |tx| {
            let power = match acting.power(tx).await? {
                Ok(power) => power,
                Err(ended) => return Ok(Err(ended.into())),
            };
            let before = roles::find_all(tx).await?;
            if matches!(change, RoleChange::Drop(_) | RoleChange::Replace(_)) && !before.has(role.as_str()) {
                let known = before.names().collect::<Vec<_>>().join(", ");
                return Ok(Err(SetRoleError::Unknown(role.as_str().to_owned(), known)));
            }
            if matches!(change, RoleChange::Create(_)) && before.has(role.as_str()) {
                return Ok(Err(SetRoleError::Exists(role.as_str().to_owned())));
            }
            if !before.has(role.as_str()) && matches!(role.as_str(), "." | "..") {
                return Ok(Err(SetRoleError::Name(role.as_str().to_owned())));
            }
            let permissions = change.apply(&before.permissions(role.as_str()));
            let after = before.with(role.as_str(), Some(permissions.clone()));
            let held = before.permissions(role.as_str());
            let is_new = !before.has(role.as_str());
            if let Err(refusal) = check_power(&power, &role, &before, &permissions) {
                return Ok(Err(SetRoleError::Acting(refusal.into())));
            }
            if !is_new && permissions == held {
                return Ok(Ok(RoleChanged { lost: BTreeSet::new(), outdated: 0 }));
            }
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
            let names: Vec<&str> = permissions.iter().map(Permission::as_str).collect();
            audit::insert(tx, &event.clone().detail("permissions", names)).await?;
            let lost = &held - &permissions;
            Ok(Ok(RoleChanged { lost, outdated }))
        })
        .await?
}

/// Checks that the acting user may give the role these permissions. Somebody without the role can create it, because only an
/// admin can give a role that nobody has.
fn check_power(
    power: &Power,
    role: &RoleName,
    before: &Roles,
    permissions: &BTreeSet<Permission>,
) -> Result<(), PowerError> {
    let held = before.permissions(role.as_str());
    if before.has(role.as_str()) {
        power.check_takes_role(role.as_str(), held.iter())?;
    }
    permissions.difference(&held).try_for_each(|added| power.check_gives(added))
}

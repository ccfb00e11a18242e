//! Change user: an operator changes the data and the rights of an account.
//!
//! A change that removes a role, a permission or a claim raises the user's authorization version, so that tokens with the
//! earlier data are rejected at once. Disabling the user and setting a new password do this too, and revoke every session.

use crate::{
    domain::{
        Email, Permission, RoleName, User, UserId, Username,
        audit_event::{AuditEvent, Event, RequestContext},
        claims::{self, TokenSizeBudget},
        password::{Password, PasswordHash},
        permission::ADMIN_ROLE,
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{
            revocation::{Revocation, invalidate_access_tokens},
            role_members::is_last_admin,
        },
    },
    memory::hasher::HashError,
    store::{self, Tx, audit, roles, sessions, users},
};

/// The changes to make. `None` and empty lists change nothing.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The new username.
    pub username: Option<Username>,
    /// The new email address.
    pub email: Option<Email>,
    /// `true` disables the user; `false` enables the user.
    pub disabled: Option<bool>,
    /// Whether the email address is verified.
    pub email_verified: Option<bool>,
    /// The roles to add.
    pub add_roles: Vec<RoleName>,
    /// The roles to remove. A role that the user does not have is ignored.
    pub remove_roles: Vec<String>,
    /// The permissions to grant directly, beside the permissions of the roles.
    pub add_permissions: Vec<Permission>,
    /// The directly granted permissions to remove. A permission that the user does not have directly is ignored.
    pub remove_permissions: Vec<String>,
    /// The custom claims to set.
    pub set_claims: serde_json::Map<String, serde_json::Value>,
    /// The custom claims to remove.
    pub remove_claims: Vec<String>,
    /// The new password.
    pub password: Option<Password>,
}

/// An error of a change of a user. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// There is no user with this id.
    #[error("there is no user {0}")]
    Unknown(UserId),
    /// Another user has the username or the email address.
    #[error("the {} is taken by another user", .0.field())]
    Taken(users::TakenName),
    /// There is no such role. Contains the unknown name, and the names of all roles as a list for the message.
    #[error("there is no role {0:?}; there are: {1}")]
    UnknownRole(String, String),
    /// The user is the last admin who is not disabled, and the change would disable the user or remove the role.
    #[error("this is the last admin; give another user the role admin first")]
    LastAdmin,
    /// A custom claim has a reserved name, or the claims do not fit into a token.
    #[error("{0}")]
    Claims(String),
    /// The password is not acceptable. Contains the end of a sentence about it.
    #[error("the password {0}")]
    UnsuitablePassword(String),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The changed user, or the reason for the refusal. A refusal is an outcome of the transaction, which has written nothing then.
type Outcome = Result<User, ChangeUserError>;

/// Changes a user. Returns the changed user.
pub async fn change_user(vestibule: &Vestibule, id: UserId, change: UserChange, context: &RequestContext) -> Outcome {
    claims::check_custom(&change.set_claims).map_err(ChangeUserError::Claims)?;
    let hash = match &change.password {
        Some(password) => {
            let mut reader = vestibule.store.read().await?;
            let user = users::find(&mut reader, id).await?.ok_or(ChangeUserError::Unknown(id))?;
            drop(reader);
            vestibule.check_new_password(password, &user).await?.map_err(ChangeUserError::UnsuitablePassword)?;
            Some(vestibule.hasher.hash(password).await?)
        }
        None => None,
    };
    let (room, revocation_ttl, context) = (vestibule.token_size_budget(), vestibule.revocation_ttl(), context.clone());
    vestibule
        .store
        .write(async move |tx| {
            let Some(user) = users::find(tx, id).await? else { return Ok(Err(ChangeUserError::Unknown(id))) };
            let plan = match UserPlan::new(tx, &user, &change, &room).await? {
                Ok(plan) => plan,
                Err(refusal) => return Ok(Err(refusal)),
            };
            plan.carry_out(tx, &user, &change, hash.as_ref(), revocation_ttl, &context).await
        })
        .await?
}

/// The state of the user after the change. It is checked as a whole before the first row is written.
struct UserPlan {
    username: Option<Username>,
    email: Option<Email>,
    roles: Vec<RoleName>,
    permissions: Vec<Permission>,
    claims: serde_json::Map<String, serde_json::Value>,
    /// Whether the change removes a right or a claim, disables the user, or sets a password.
    takes_away: bool,
}

impl UserPlan {
    /// Computes the state after the change, and checks it. The inner error is a refusal.
    async fn new(
        tx: &mut Tx,
        user: &User,
        change: &UserChange,
        room: &TokenSizeBudget,
    ) -> store::Result<Result<Self, ChangeUserError>> {
        let known = roles::find_all(tx).await?;
        if let Some(unknown) = change.add_roles.iter().find(|role| !known.has(role.as_str())) {
            let known = known.names().collect::<Vec<_>>().join(", ");
            return Ok(Err(ChangeUserError::UnknownRole(unknown.as_str().to_owned(), known)));
        }
        let held = user.roles.iter().filter_map(|role| RoleName::parse(role).ok());
        let roles = merge(held, &change.add_roles, |role| change.remove_roles.iter().any(|gone| gone == role.as_str()));
        let permissions = merge(user.direct_permissions.iter().cloned(), &change.add_permissions, |permission| {
            change.remove_permissions.iter().any(|gone| gone == permission.as_str())
        });
        let mut claims = user.claims.clone();
        claims.extend(change.set_claims.clone());
        change.remove_claims.iter().for_each(|name| drop(claims.remove(name)));

        let still_admin = change.disabled != Some(true) && roles.iter().any(|role| role.as_str() == ADMIN_ROLE);
        if !still_admin && is_last_admin(tx, user).await? {
            return Ok(Err(ChangeUserError::LastAdmin));
        }
        let role_names: Vec<String> = roles.iter().map(|role| role.as_str().to_owned()).collect();
        let all = known.of_user(role_names.iter().map(String::as_str), &permissions);
        // The size is checked only if something is added. A user whose data is too large already can still be disabled, or
        // lose a part of the data.
        let gets_more =
            !(change.add_roles.is_empty() && change.add_permissions.is_empty() && change.set_claims.is_empty());
        if gets_more && let Err(message) = room.check(&claims, &role_names, &all) {
            return Ok(Err(ChangeUserError::Claims(message)));
        }
        let lost_claim = change.remove_claims.iter().any(|name| user.claims.contains_key(name));
        let lost_role = user.roles.iter().any(|role| !role_names.contains(role));
        let lost_permission = user.direct_permissions.iter().any(|permission| !permissions.contains(permission));
        // A stored name that is invalid under the present rules counts as absent.
        let stored_username = user.username.as_deref().and_then(|name| Username::of_account(name).ok());
        let stored_email = user.email.as_deref().and_then(|email| Email::parse(email).ok());
        Ok(Ok(Self {
            username: change.username.clone().or(stored_username),
            email: change.email.clone().or(stored_email),
            roles,
            permissions,
            claims,
            takes_away: lost_role
                || lost_permission
                || lost_claim
                || change.disabled == Some(true)
                || change.password.is_some(),
        }))
    }

    /// Writes the state, and revokes access tokens and sessions if necessary. The inner error is [`ChangeUserError::Taken`].
    async fn carry_out(
        &self,
        tx: &mut Tx,
        user: &User,
        change: &UserChange,
        hash: Option<&PasswordHash>,
        revocation_ttl: i64,
        context: &RequestContext,
    ) -> store::Result<Outcome> {
        let (id, now) = (user.id, context.now);
        if let Err(taken) = users::set_names(tx, id, self.username.as_ref(), self.email.as_ref()).await? {
            return Ok(Err(ChangeUserError::Taken(taken)));
        }
        if let Some(verified) = change.email_verified {
            users::set_email_verified(tx, id, verified.then_some(now)).await?;
        }
        users::set_claims(tx, id, &self.claims).await?;
        roles::set_of_user(tx, id, &self.roles).await?;
        roles::set_permissions_of_user(tx, id, &self.permissions).await?;
        // One event is recorded. A new password has priority over `disabled`, which has priority over the other changes.
        let mut event = Event::UserChanged;
        if let Some(disabled) = change.disabled
            && users::set_disabled(tx, id, disabled.then_some(now)).await?
        {
            event = if disabled { Event::UserDisabled } else { Event::UserEnabled };
        }
        if let Some(hash) = hash {
            users::set_password_hash(tx, id, hash, now).await?;
            event = Event::PasswordChanged;
        }
        if self.takes_away {
            let version = users::raise_authorization_version(tx, id).await?;
            invalidate_access_tokens(tx, revocation_ttl, id, version, now).await?;
        }
        let reason = match (change.disabled, hash) {
            (Some(true), _) => Some(RevokeReason::UserDisabled),
            (_, Some(_)) => Some(RevokeReason::PasswordChanged),
            _ => None,
        };
        if let Some(reason) = reason {
            let selection = sessions::Selection::All;
            Revocation { user: id, selection, reason, ttl: revocation_ttl, context: context.clone() }
                .carry_out(tx)
                .await?;
        }
        let role_names: Vec<&str> = self.roles.iter().map(RoleName::as_str).collect();
        audit::insert(tx, &AuditEvent::new(event, context).user(id).detail("roles", role_names)).await?;
        Ok(users::find(tx, id).await?.ok_or(ChangeUserError::Unknown(id)))
    }
}

/// Returns the items of `held` and `added`, without the items for which `goes` returns `true`. The result is sorted and has no
/// duplicates.
fn merge<T: Clone + Ord>(held: impl Iterator<Item = T>, added: &[T], goes: impl Fn(&T) -> bool) -> Vec<T> {
    let mut all: Vec<T> = held.chain(added.iter().cloned()).filter(|item| !goes(item)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

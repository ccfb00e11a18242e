//! Change user: somebody who administers changes the data and the rights of an account.
//!
//! A change that removes a role or a permission, or removes or replaces a claim, raises the user's authorization version,
//! so that tokens with the earlier data are rejected at once. Disabling the user and setting a new password do this too,
//! and revoke every session.

use serde_json::{Map, Value};

use crate::{
    config::UsernameField,
    domain::{
        Email, Permission, RoleName, Roles, User, UserId, Username,
        audit_event::{AuditEvent, Event},
        claims::TokenSizeBudget,
        password_hash::PasswordHash,
        permission::ADMIN_ROLE,
        power::{Power, PowerError},
        session::RevokeReason,
        user_change::UserChange,
    },
    flows::{
        Vestibule,
        steps::{
            acting::{Acting, TargetError},
            names::check_names,
            revocation::{Revocation, invalidate_access_tokens},
            role_members::is_last_admin,
        },
    },
    memory::hasher::HashError,
    store::{self, Tx, audit, roles, sessions, users},
};

/// An error of a change of a user. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// There is no such user, or the acting user may not make the change.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The account would lack a name that it must have. Contains the field, and the rest of a sentence about this field.
    #[error("{0} {1}")]
    MissingName(&'static str, &'static str),
    /// The account has no email address that could be verified.
    #[error("there is no email address to verify")]
    NoEmail,
    /// Another user has the username or the email address.
    #[error("the {} is taken by another user", .0.field())]
    Taken(users::TakenName),
    /// There is no such role. Contains the unknown name, and the names of all roles as a list for the message.
    #[error("there is no role {0:?}; there are: {1}")]
    UnknownRole(String, String),
    /// The user is the last admin who can sign in, and the change would disable the user or remove the role.
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
pub async fn change_user(vestibule: &Vestibule, id: UserId, change: UserChange, acting: &Acting) -> Outcome {
    change.claims.check().map_err(ChangeUserError::Claims)?;
    let hash = match &change.password {
        Some(password) => {
            // The judgement of a password tells something about the names of the account, and a hash costs time. So the acting
            // user must be allowed to set the password first. The transaction of the change checks this again.
            let asking = acting.clone();
            let user = vestibule.store.write(async move |tx| asking.covered_user(tx, id).await).await??;
            vestibule.check_new_password(password, &user).await?.map_err(ChangeUserError::UnsuitablePassword)?;
            Some(vestibule.hasher.hash(password).await?)
        }
        None => None,
    };
    let (room, revocation_ttl, acting) = (vestibule.token_size_budget(), vestibule.revocation_ttl(), acting.clone());
    let field = vestibule.config.passwords.username_field;
    vestibule
        .store
        .write(async move |tx| {
            let power = match acting.power(tx).await? {
                Ok(power) => power,
                Err(ended) => return Ok(Err(TargetError::from(ended).into())),
            };
            let Some(user) = users::find(tx, id).await? else { return Ok(Err(TargetError::Unknown(id).into())) };
            let known = roles::find_all(tx).await?;
            let plan = match UserPlan::new(&user, &change, &known, field) {
                Ok(plan) => plan,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let checked = plan
                .check_power(&power, &user, &known, acting.is(id))
                .map_err(|refusal| TargetError::from(refusal).into())
                .and_then(|()| plan.check_size(&user, &known, &room).map_err(ChangeUserError::Claims));
            if let Err(refusal) = checked {
                return Ok(Err(refusal));
            }
            if plan.ends_admin() && is_last_admin(tx, &user).await? {
                return Ok(Err(ChangeUserError::LastAdmin));
            }
            let changes = plan.changes(&user);
            if changes.is_empty() {
                // Nothing changes, so nothing is written. The permission to write alone does not read an account in this way.
                let read = power.check_reads(&user).map(|()| user);
                return Ok(read.map_err(|refusal| TargetError::from(refusal).into()));
            }
            plan.carry_out(tx, &user, changes, hash.as_ref(), revocation_ttl, &acting).await
        })
        .await?
}

/// The state of the user after the change. It is checked as a whole before the first row is written.
struct UserPlan {
    username: Option<Username>,
    email: Option<Email>,
    /// Whether the change names a username or an address that differs from the stored one.
    renames: bool,
    /// Whether the change sets the verification of the address to another value.
    email_verified: Option<bool>,
    /// Whether the change disables or enables the user.
    disabled: Option<bool>,
    /// Whether the user is disabled after the change.
    is_disabled: bool,
    has_new_password: bool,
    roles: Vec<RoleName>,
    permissions: Vec<Permission>,
    claims: Map<String, Value>,
}

impl UserPlan {
    /// Computes the state after the change.
    ///
    /// # Errors
    /// [`ChangeUserError::UnknownRole`], [`ChangeUserError::MissingName`], [`ChangeUserError::NoEmail`].
    fn new(user: &User, change: &UserChange, known: &Roles, field: UsernameField) -> Result<Self, ChangeUserError> {
        let held = user.roles.iter().filter_map(|role| RoleName::parse(role).ok());
        let roles = change.roles.apply(held, RoleName::as_str);
        if let Some(unknown) = roles.iter().find(|role| !known.has(role.as_str())) {
            let known = known.names().collect::<Vec<_>>().join(", ");
            return Err(ChangeUserError::UnknownRole(unknown.as_str().to_owned(), known));
        }
        // A stored name that is invalid under the present rules counts as absent.
        let stored_username = user.username.as_deref().and_then(|name| Username::of_account(name).ok());
        let stored_email = user.email.as_deref().and_then(|email| Email::parse(email).ok());
        let username = change.username.clone().unwrap_or(stored_username);
        let email = change.email.clone().unwrap_or(stored_email);
        let renames = change.username.is_some() && username.as_ref().map(Username::as_str) != user.username.as_deref()
            || change.email.is_some() && email.as_ref().map(Email::as_str) != user.email.as_deref();
        if renames {
            check_names(field, username.is_some(), email.is_some())
                .map_err(|(field, message)| ChangeUserError::MissingName(field, message))?;
        }
        // A new address is not verified, except by the same change.
        let was_verified = user.email_verified_at.is_some()
            && email
                .as_ref()
                .is_some_and(|email| user.email.as_deref().is_some_and(|old| old.eq_ignore_ascii_case(email.as_str())));
        if change.email_verified == Some(true) && email.is_none() {
            return Err(ChangeUserError::NoEmail);
        }
        let is_disabled = user.disabled_at.is_some();
        Ok(Self {
            username,
            email,
            renames,
            email_verified: change.email_verified.filter(|verified| *verified != was_verified),
            disabled: change.disabled.filter(|disabled| *disabled != is_disabled),
            is_disabled: change.disabled.unwrap_or(is_disabled),
            has_new_password: change.password.is_some(),
            roles,
            permissions: change.permissions.apply(user.direct_permissions.iter().cloned(), Permission::as_str),
            claims: change.claims.apply(&user.claims),
        })
    }

    /// Checks that the acting user may make the change. `is_own` is whether the account is the acting user's own.
    fn check_power(&self, power: &Power, user: &User, known: &Roles, is_own: bool) -> Result<(), PowerError> {
        for role in self.roles.iter().filter(|role| !user.roles.iter().any(|held| held == role.as_str())) {
            power.check_gives_role(role.as_str(), known.permissions(role.as_str()).iter())?;
        }
        for role in user.roles.iter().filter(|held| !self.roles.iter().any(|role| role.as_str() == *held)) {
            power.check_takes_role(role, known.permissions(role).iter())?;
        }
        for permission in self.permissions.iter().filter(|new| !user.direct_permissions.contains(new)) {
            power.check_gives(permission)?;
        }
        for permission in user.direct_permissions.iter().filter(|held| !self.permissions.contains(held)) {
            power.check_takes(permission)?;
        }
        if self.claims != user.claims || self.email_verified.is_some() || (self.renames && !is_own) {
            power.check_vouches()?;
        }
        if self.disabled.is_some() || self.has_new_password {
            power.check_covers(user)?;
        }
        Ok(())
    }

    /// Checks that the user's tokens are short enough. A change that adds nothing is not checked, because it can't make a token
    /// longer. So a user whose data is too large already can still be disabled, or lose a part of the data.
    fn check_size(&self, user: &User, known: &Roles, room: &TokenSizeBudget) -> Result<(), String> {
        let role_names = self.role_names();
        let gets_more = role_names.iter().any(|role| !user.roles.contains(role))
            || self.permissions.iter().any(|permission| !user.direct_permissions.contains(permission))
            || self.claims.iter().any(|(name, value)| user.claims.get(name) != Some(value));
        if !gets_more {
            return Ok(());
        }
        let all = known.of_user(role_names.iter().map(String::as_str), &self.permissions);
        room.check(&self.claims, &role_names, &all)
    }

    /// Returns whether the user is no active admin after the change.
    fn ends_admin(&self) -> bool {
        self.is_disabled || !self.roles.iter().any(|role| role.as_str() == ADMIN_ROLE)
    }

    fn role_names(&self) -> Vec<String> {
        self.roles.iter().map(|role| role.as_str().to_owned()).collect()
    }

    /// Returns the names of what changes, for the audit log. The list is empty if nothing changes.
    fn changes(&self, user: &User) -> Vec<&'static str> {
        [
            ("names", self.renames),
            ("email_verified", self.email_verified.is_some()),
            ("roles", self.role_names() != user.roles),
            ("permissions", self.permissions != user.direct_permissions),
            ("claims", self.claims != user.claims),
            ("disabled", self.disabled.is_some()),
            ("password", self.has_new_password),
        ]
        .into_iter()
        .filter_map(|(name, changes)| changes.then_some(name))
        .collect()
    }

    /// Returns whether the change removes a right, removes or replaces a claim, disables the user, or sets a password.
    fn takes_away(&self, user: &User) -> bool {
        let role_names = self.role_names();
        user.roles.iter().any(|role| !role_names.contains(role))
            || user.direct_permissions.iter().any(|permission| !self.permissions.contains(permission))
            || user.claims.iter().any(|(name, value)| self.claims.get(name) != Some(value))
            || self.disabled == Some(true)
            || self.has_new_password
    }

    /// Writes the state, and revokes access tokens and sessions if necessary. The inner error is [`ChangeUserError::Taken`].
    async fn carry_out(
        &self,
        tx: &mut Tx,
        user: &User,
        changes: Vec<&'static str>,
        hash: Option<&PasswordHash>,
        revocation_ttl: i64,
        acting: &Acting,
    ) -> store::Result<Outcome> {
        let (id, context) = (user.id, &acting.context);
        let now = context.now;
        if self.renames
            && let Err(taken) = users::set_names(tx, id, self.username.as_ref(), self.email.as_ref()).await?
        {
            return Ok(Err(ChangeUserError::Taken(taken)));
        }
        if let Some(verified) = self.email_verified {
            users::set_email_verified(tx, id, verified.then_some(now)).await?;
        }
        users::set_claims(tx, id, &self.claims).await?;
        roles::set_of_user(tx, id, &self.roles).await?;
        roles::set_permissions_of_user(tx, id, &self.permissions).await?;
        // One event is recorded. A new password has priority over `disabled`, which has priority over the other changes.
        let mut event = Event::UserChanged;
        if let Some(disabled) = self.disabled {
            users::set_disabled(tx, id, disabled.then_some(now)).await?;
            event = if disabled { Event::UserDisabled } else { Event::UserEnabled };
        }
        if let Some(hash) = hash {
            users::set_password_hash(tx, id, hash, now).await?;
            event = Event::PasswordChanged;
        }
        if self.takes_away(user) {
            let version = users::raise_authorization_version(tx, id).await?;
            invalidate_access_tokens(tx, revocation_ttl, id, version, now).await?;
        }
        let reason = match (self.disabled, hash) {
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
        let event =
            AuditEvent::new(event, context).user(id).detail("changed", changes).detail("roles", self.role_names());
        audit::insert(tx, &event).await?;
        Ok(users::find(tx, id).await?.ok_or(TargetError::Unknown(id).into()))
    }
}

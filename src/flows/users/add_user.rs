//! Add user: somebody who administers creates an account.

use crate::{
    domain::{
        Email, Permission, RoleName, Roles, User, UserId, Username,
        audit_event::{AuditEvent, Event},
        claims,
        password::Password,
        power::{Power, PowerError},
    },
    flows::{
        Vestibule,
        steps::acting::{Acting, ActingError},
    },
    memory::hasher::HashError,
    random,
    store::{self, audit, roles, users},
};

/// An account to create.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The username.
    pub username: Option<Username>,
    /// The email address.
    pub email: Option<Email>,
    /// Whether the email address is verified as belonging to the user.
    pub email_verified: bool,
    /// The roles, which must exist.
    pub roles: Vec<RoleName>,
    /// The permissions that are granted to the user directly, beside the permissions of the roles.
    pub permissions: Vec<Permission>,
    /// The custom claims.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// The password. `None` if the user is to choose one by a link.
    pub password: Option<Password>,
    /// Whether the account is disabled.
    pub disabled: bool,
}

/// An error of the creation of an account.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// The acting user may not create this account.
    #[error(transparent)]
    Acting(#[from] ActingError),
    /// Another user has the username or the email address.
    #[error("the {} is taken by another user", .0.field())]
    Taken(users::TakenName),
    /// There is no such role. Contains the unknown name, and the names of all roles as a list for the message.
    #[error("there is no role {0:?}; there are: {1}")]
    UnknownRole(String, String),
    /// The password is not acceptable. Contains the end of a sentence about it.
    #[error("the password {0}")]
    UnsuitablePassword(String),
    /// A custom claim has a reserved name, or the claims do not fit into a token.
    #[error("{0}")]
    Claims(String),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Creates an account. Returns the new user. Creates nothing if there is an error.
pub async fn add_user(vestibule: &Vestibule, new: NewAccount, acting: &Acting) -> Result<User, AddUserError> {
    claims::check_custom(&new.claims).map_err(AddUserError::Claims)?;
    let hash = match &new.password {
        Some(password) => {
            let names = [new.username.as_ref().map(Username::as_str), new.email.as_ref().map(Email::as_str)];
            let names = names.into_iter().flatten().map(str::to_owned).collect();
            let min_length = vestibule.config.passwords.min_length;
            // A command has checked the password when it was typed.
            if !acting.is_operator() {
                let judged = vestibule.hasher.check_new(password, min_length, names).await?;
                judged.map_err(AddUserError::UnsuitablePassword)?;
            }
            Some(vestibule.hasher.hash(password).await?)
        }
        None => None,
    };
    let now = acting.context.now;
    let id = UserId::new(now, random::bytes());
    let row = users::NewUser { id, username: new.username.clone(), email: new.email.clone(), created_at: now };
    let room = vestibule.token_size_budget();
    let acting = acting.clone();
    vestibule
        .store
        .write(async move |tx| {
            let power = match acting.power(tx).await? {
                Ok(power) => power,
                Err(ended) => return Ok(Err(ended.into())),
            };
            let known = roles::find_all(tx).await?;
            let role_names: Vec<String> = new.roles.iter().map(|role| role.as_str().to_owned()).collect();
            if let Some(unknown) = role_names.iter().find(|role| !known.has(role)) {
                let all = known.names().collect::<Vec<_>>().join(", ");
                return Ok(Err(AddUserError::UnknownRole(unknown.clone(), all)));
            }
            if let Err(refusal) = new.check_power(&power, &known) {
                return Ok(Err(AddUserError::Acting(refusal.into())));
            }
            let all = known.of_user(role_names.iter().map(String::as_str), &new.permissions);
            if let Err(message) = room.check(&new.claims, &role_names, &all) {
                return Ok(Err(AddUserError::Claims(message)));
            }
            if let Err(taken) = users::insert(tx, &row).await? {
                return Ok(Err(AddUserError::Taken(taken)));
            }
            if let Some(hash) = &hash {
                users::set_password_hash(tx, id, hash, now).await?;
            }
            users::set_claims(tx, id, &new.claims).await?;
            if new.email_verified {
                users::set_email_verified(tx, id, Some(now)).await?;
            }
            if new.disabled {
                users::set_disabled(tx, id, Some(now)).await?;
            }
            roles::set_of_user(tx, id, &new.roles).await?;
            roles::set_permissions_of_user(tx, id, &new.permissions).await?;
            audit::insert(tx, &AuditEvent::new(Event::UserAdded, &acting.context).user(id).detail("roles", role_names))
                .await?;
            // The user was inserted above, so the error does not occur.
            Ok(Ok(users::find(tx, id).await?.ok_or(store::Error::Closed)?))
        })
        .await?
}

impl NewAccount {
    /// Checks that the acting user may give the account what it has.
    fn check_power(&self, power: &Power, known: &Roles) -> Result<(), PowerError> {
        for role in &self.roles {
            power.check_gives_role(role.as_str(), known.permissions(role.as_str()).iter())?;
        }
        self.permissions.iter().try_for_each(|permission| power.check_gives(permission))?;
        if self.email_verified || !self.claims.is_empty() { power.check_vouches() } else { Ok(()) }
    }
}

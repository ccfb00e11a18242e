//! Add user: an operator creates an account.

use crate::{
    domain::{
        Email, Permission, RoleName, User, UserId, Username,
        audit_event::{AuditEvent, Event, RequestContext},
        claims,
        password::Password,
    },
    flows::Vestibule,
    memory::hasher::HashError,
    random,
    store::{self, audit, roles, users},
};

/// An account to create.
#[derive(Debug)]
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
    /// The password. The caller has checked that it is acceptable.
    pub password: Password,
}

/// An error of the creation of an account.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// Another user has the username or the email address.
    #[error("the {} is taken by another user", .0.field())]
    Taken(users::TakenName),
    /// There is no such role. Contains the unknown name, and the names of all roles as a list for the message.
    #[error("there is no role {0:?}; there are: {1}")]
    UnknownRole(String, String),
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

/// The outcome of the transaction.
enum Added {
    User(Box<User>),
    Taken(users::TakenName),
    UnknownRole(String, String),
    /// The claims, roles and permissions do not fit into a token.
    TooMuch(String),
}

/// Creates an account. Returns the new user. Creates nothing if there is an error.
pub async fn add_user(vestibule: &Vestibule, new: NewAccount, context: &RequestContext) -> Result<User, AddUserError> {
    claims::check_custom(&new.claims).map_err(AddUserError::Claims)?;
    let role_names: Vec<String> = new.roles.iter().map(|role| role.as_str().to_owned()).collect();
    let hash = vestibule.hasher.hash(&new.password).await?;
    let id = UserId::new(context.now, random::bytes());
    let row = users::NewUser { id, username: new.username, email: new.email, created_at: context.now };
    let event = AuditEvent::new(Event::UserAdded, context).user(id).detail("roles", role_names.clone());
    let room = vestibule.token_size_budget();
    let (roles, permissions, claims, verified) = (new.roles, new.permissions, new.claims, new.email_verified);
    let added = vestibule
        .store
        .write(async move |tx| {
            let known = roles::find_all(tx).await?;
            if let Some(unknown) = role_names.iter().find(|role| !known.has(role)) {
                return Ok(Added::UnknownRole(unknown.clone(), known.names().collect::<Vec<_>>().join(", ")));
            }
            let all = known.of_user(role_names.iter().map(String::as_str), &permissions);
            if let Err(message) = room.check(&claims, &role_names, &all) {
                return Ok(Added::TooMuch(message));
            }
            if let Err(taken) = users::insert(tx, &row).await? {
                return Ok(Added::Taken(taken));
            }
            users::set_password_hash(tx, id, &hash, row.created_at).await?;
            users::set_claims(tx, id, &claims).await?;
            if verified {
                users::set_email_verified(tx, id, Some(row.created_at)).await?;
            }
            roles::set_of_user(tx, id, &roles).await?;
            roles::set_permissions_of_user(tx, id, &permissions).await?;
            audit::insert(tx, &event).await?;
            // The user was inserted above, so the error does not occur.
            let user = users::find(tx, id).await?;
            Ok(Added::User(Box::new(user.ok_or(store::Error::Closed)?)))
        })
        .await?;
    match added {
        Added::User(user) => Ok(*user),
        Added::Taken(taken) => Err(AddUserError::Taken(taken)),
        Added::TooMuch(message) => Err(AddUserError::Claims(message)),
        Added::UnknownRole(role, known) => Err(AddUserError::UnknownRole(role, known)),
    }
}

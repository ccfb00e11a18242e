//! Register: a user creates their own account, if the configuration permits it.

use crate::{
    domain::{
        Email, User, UserId, Username,
        audit_event::{AuditEvent, Event, RequestContext},
        password::Password,
    },
    flows::{Vestibule, steps::past_limit},
    memory::{
        hasher::HashError,
        throttle::{Network, RetryAfter},
    },
    random,
    store::{self, audit, users},
};

/// A request to register.
#[derive(Debug)]
pub struct Registration {
    /// The username.
    pub username: Option<Username>,
    /// The email address.
    pub email: Option<Email>,
    /// The password.
    pub password: Password,
}

/// An error of a registration.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Registration is closed: only the operator creates accounts.
    #[error("registration is closed")]
    Closed,
    /// Another user has the username or the email address.
    #[error("the {} is taken", .0.field())]
    Taken(users::TakenName),
    /// The password is not acceptable. Contains the end of a sentence about it.
    #[error("the password {0}")]
    Unsuitable(String),
    /// There were too many registrations, attempts to use a taken name, or rejected passwords from one address. Contains the
    /// time after which the client may try again.
    #[error("too many registrations")]
    TooMany(RetryAfter),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Creates an account. Returns the new user. `network` is the key of the limits by IP address; if it is `None`, these limits do
/// not apply.
pub async fn register(
    vestibule: &Vestibule,
    request: Registration,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<User, RegisterError> {
    if !vestibule.config.passwords.registration_open {
        return Err(RegisterError::Closed);
    }
    let throttle = &vestibule.throttle;
    // A rejected password does not count as a registration. But an estimate of a password's strength takes CPU time, so
    // estimates have a limit of their own.
    if let Some(network) = network {
        let permitted = throttle.registrations.peek(&network).and_then(|()| throttle.estimates.take(&network));
        refuse_past_limit(vestibule, permitted, network, context).await?;
    }
    let names = [request.username.as_ref().map(Username::as_str), request.email.as_ref().map(Email::as_str)];
    let names = names.into_iter().flatten().map(str::to_owned).collect();
    let min_length = vestibule.config.passwords.min_length;
    let judged = vestibule.hasher.check_new(&request.password, min_length, names).await?;
    judged.map_err(RegisterError::Unsuitable)?;
    // A registration with a taken name is counted too. Otherwise a client could test without limit which names exist.
    if let Some(network) = network {
        refuse_past_limit(vestibule, throttle.registrations.take(&network), network, context).await?;
    }
    let hash = vestibule.hasher.hash(&request.password).await?;
    let new = users::NewUser {
        id: UserId::new(context.now, random::bytes()),
        username: request.username,
        email: request.email,
        created_at: context.now,
    };
    let event = AuditEvent::new(Event::UserRegistered, context).user(new.id);
    let made = vestibule
        .store
        .write(async move |tx| {
            if let Err(taken) = users::insert(tx, &new).await? {
                return Ok(Err(taken));
            }
            users::set_password_hash(tx, new.id, &hash, new.created_at).await?;
            audit::insert(tx, &event).await?;
            Ok(Ok(users::find(tx, new.id).await?))
        })
        .await?;
    match made {
        Ok(Some(user)) => Ok(user),
        Ok(None) => unreachable!("the row was inserted in the same transaction"),
        Err(taken) => Err(RegisterError::Taken(taken)),
    }
}

/// Records and refuses a registration past the limit.
async fn refuse_past_limit(
    vestibule: &Vestibule,
    permitted: Result<(), RetryAfter>,
    network: Network,
    context: &RequestContext,
) -> Result<(), RegisterError> {
    let Err(wait) = permitted else { return Ok(()) };
    past_limit::record_registration(vestibule, Some(network), None, context).await?;
    Err(RegisterError::TooMany(wait))
}

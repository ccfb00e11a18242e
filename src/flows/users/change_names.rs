//! Change names: a person gives their own account another name or address.

use crate::{
    domain::{
        AccessClaims, Email, SessionId, User, Username,
        audit_event::{AuditEvent, Event, RequestContext},
    },
    flows::{
        Vestibule,
        steps::{
            bearer::{Bearer, bearer_is_live},
            names::check_names,
        },
    },
    memory::throttle::{Network, RetryAfter},
    store::{self, audit, users},
};

/// What to change: a field that is not given stays, one that is null goes.
#[derive(Debug, Default)]
pub struct NewNames {
    /// The name.
    pub username: Option<Option<Username>>,
    /// The address; another one is not verified.
    pub email: Option<Option<Email>>,
}

/// Why the names stay.
#[derive(Debug, thiserror::Error)]
pub enum ChangeNamesError {
    /// The account would lack a name that it must have.
    #[error("{0} {1}")]
    Missing(&'static str, &'static str),
    /// Somebody has that name or address.
    #[error("the {} is taken", .0.field())]
    Taken(users::TakenName),
    /// Too many taken names were tried from one address.
    #[error("too many attempts")]
    TooMany(RetryAfter),
    /// The user or the session is gone.
    #[error("session {0} is over")]
    SessionEnded(SessionId),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// How the transaction can end.
enum Changed {
    User(Box<User>),
    Gone,
    Missing(&'static str, &'static str),
    Taken(users::TakenName),
}

/// Renames the bearer.
///
/// # Errors
/// [`ChangeNamesError`].
pub async fn change_names(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    names: NewNames,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<User, ChangeNamesError> {
    // That a name is taken can be learned here as at a registration, so it is as limited.
    let limit = &vestibule.throttle.registrations;
    let attempt = limit.begin(network.as_slice()).await.map_err(ChangeNamesError::TooMany)?;
    let (id, session, field) = (bearer.sub, bearer.sid, vestibule.config.passwords.username_field);
    let bearer = Bearer::of(bearer);
    let (now, event) = (context.now, AuditEvent::new(Event::UserChanged, context).user(id).session(session));
    let changed = vestibule
        .store
        .write(async move |tx| {
            if !bearer_is_live(tx, bearer, now).await? {
                return Ok(Changed::Gone);
            }
            let Some(user) = users::find(tx, id).await? else { return Ok(Changed::Gone) };
            let username = names.username.clone().unwrap_or_else(|| kept(user.username.as_deref(), Username::parse));
            let email = names.email.clone().unwrap_or_else(|| kept(user.email.as_deref(), Email::parse));
            if let Err((field, message)) = check_names(field, username.is_some(), email.is_some()) {
                // Of two names either would do: the one that was to go must stay.
                let field = if names.email == Some(None) { "email" } else { field };
                return Ok(Changed::Missing(field, message));
            }
            if let Err(taken) = users::set_names(tx, id, username.as_ref(), email.as_ref()).await? {
                return Ok(Changed::Taken(taken));
            }
            let changed: Vec<&str> =
                [names.username.as_ref().map(|_| "username"), names.email.as_ref().map(|_| "email")]
                    .into_iter()
                    .flatten()
                    .collect();
            audit::insert(tx, &event.clone().detail("changed", changed)).await?;
            Ok(users::find(tx, id).await?.map_or(Changed::Gone, |user| Changed::User(Box::new(user))))
        })
        .await?;
    match changed {
        Changed::User(user) => Ok(*user),
        Changed::Gone => Err(ChangeNamesError::SessionEnded(session)),
        Changed::Missing(field, message) => Err(ChangeNamesError::Missing(field, message)),
        Changed::Taken(taken) => {
            attempt.failed();
            Err(ChangeNamesError::Taken(taken))
        }
    }
}

/// A stored name as its type.
fn kept<T>(stored: Option<&str>, parse: fn(&str) -> Result<T, &'static str>) -> Option<T> {
    stored.and_then(|text| parse(text).ok())
}

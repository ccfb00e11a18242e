//! Change names: a user changes the username or the email address of their own account.

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
            past_limit,
        },
    },
    memory::throttle::{Network, RetryAfter},
    store::{self, audit, users},
};

/// The names to change. An outer `None` keeps the name; an inner `None` removes it.
#[derive(Debug, Default)]
pub struct NewNames {
    /// The username.
    pub username: Option<Option<Username>>,
    /// The email address. A new address is not verified.
    pub email: Option<Option<Email>>,
}

/// An error of a change of names.
#[derive(Debug, thiserror::Error)]
pub enum ChangeNamesError {
    /// The account would lack a name that it must have. Contains the request field, and the rest of a sentence about this
    /// field.
    #[error("{0} {1}")]
    Missing(&'static str, &'static str),
    /// Another user has the username or the email address.
    #[error("the {} is taken", .0.field())]
    Taken(users::TakenName),
    /// From one address, there were too many registrations and attempts to use a taken name.
    #[error("too many attempts")]
    TooMany(RetryAfter),
    /// The session has ended, the user was deleted or is disabled, or the authorization version has changed.
    #[error("session {0} has ended")]
    SessionEnded(SessionId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The outcome of the transaction.
enum Changed {
    User(Box<User>),
    /// The bearer is no longer valid.
    Gone,
    Missing(&'static str, &'static str),
    Taken(users::TakenName),
}

/// Changes the names of the bearer. Returns the changed user. `network` is the key of the limit by IP address; if it is `None`,
/// this limit does not apply.
pub async fn change_names(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    names: NewNames,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<User, ChangeNamesError> {
    if let Err(wait) = vestibule.throttle.actions.take(&bearer.sub) {
        past_limit::record_action(vestibule, bearer.sub, context).await?;
        return Err(ChangeNamesError::TooMany(wait));
    }
    // The response reveals that a name is taken, as at a registration. So the same limit applies.
    let attempt = match vestibule.throttle.registrations.begin(network.as_slice()).await {
        Ok(attempt) => attempt,
        Err(wait) => {
            past_limit::record_registration(vestibule, network, Some(bearer.sub), context).await?;
            return Err(ChangeNamesError::TooMany(wait));
        }
    };
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
            // A name that is not in the request stays, unless it is invalid under the present rules.
            let username =
                names.username.clone().unwrap_or_else(|| parse_stored(user.username.as_deref(), Username::of_account));
            let email = names.email.clone().unwrap_or_else(|| parse_stored(user.email.as_deref(), Email::parse));
            if let Err((field, message)) = check_names(field, username.is_some(), email.is_some()) {
                // If either name would be enough, `check_names` returns the field `username`. If the request removes the email
                // address, the error belongs to the field `email`.
                let field = if names.email == Some(None) { "email" } else { field };
                return Ok(Changed::Missing(field, message));
            }
            let text = |name: Option<&str>| name.map(str::to_owned);
            if text(username.as_ref().map(Username::as_str)) == user.username
                && text(email.as_ref().map(Email::as_str)) == user.email
            {
                // Nothing changes, so nothing is written.
                return Ok(Changed::User(Box::new(user)));
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

/// Parses a stored name. Returns `None` if there is no stored name, or if it is invalid under the present rules.
fn parse_stored<T>(stored: Option<&str>, parse: fn(&str) -> Result<T, &'static str>) -> Option<T> {
    stored.and_then(|text| parse(text).ok())
}

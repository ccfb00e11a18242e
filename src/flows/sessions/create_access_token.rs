//! Create access token: the embedding application requests an access token for a user, and no password is verified.
//!
//! The token has a session of its own. No client receives the refresh token of this session. Because of the session, the token
//! is in the user's list of sessions, and the token ends when the user signs out everywhere. A revocation of the session is
//! kept for as long as the token could be valid.

use serde_json::{Map, Value};

use crate::{
    config::Client,
    domain::{
        SessionId, User, UserId,
        audit_event::{AuditEvent, Event, RequestContext},
        claims::{self, TokenSizeBudget},
        client::DEFAULT_CLIENT,
        device::DeviceName,
        generations::Generations,
        mismatches::Mismatches,
        session::Session,
    },
    flows::Vestibule,
    random,
    store::{self, Tx, audit, sessions, users},
};

/// Options of an access token. The default is a token of the client `default` that is not fresh and has no claims beside the
/// claims of the user. [`Vestibule::create_access_token`] takes the options.
///
/// ```
/// use vestibule::{AccessTokenOptions, DeviceName};
///
/// let name = DeviceName::parse("Report job").expect("a valid name");
/// let options = AccessTokenOptions::default().claim("report", 7).lifetime(300).called(name);
/// ```
#[derive(Clone, Debug, Default)]
pub struct AccessTokenOptions {
    client_id: Option<String>,
    claims: Map<String, Value>,
    lifetime: Option<i64>,
    fresh: bool,
    name: Option<DeviceName>,
}

impl AccessTokenOptions {
    /// Sets the client. The client determines the audience. It also determines the lifetime if [`AccessTokenOptions::lifetime`]
    /// is not called.
    #[must_use]
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// Adds a claim to this token alone. It takes precedence over a custom claim of the user with the same name. With a
    /// reserved name, the creation fails with [`CreateAccessTokenError::Claims`].
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Sets the lifetime in seconds: at least 1, at most the setting `session_lifetime`. With another value, the creation fails
    /// with [`CreateAccessTokenError::Lifetime`].
    #[must_use]
    pub fn lifetime(mut self, seconds: i64) -> Self {
        self.lifetime = Some(seconds);
        self
    }

    /// Marks the token as fresh, because the application has just verified the identity of the user. Endpoints that require a
    /// fresh token accept it.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Sets the name of the session in the user's list.
    #[must_use]
    pub fn called(mut self, name: DeviceName) -> Self {
        self.name = Some(name);
        self
    }
}

/// An access token that the application created. [`Vestibule::create_access_token`] returns it and has an example.
#[derive(Clone, Debug)]
pub struct IssuedAccessToken {
    /// The access token.
    pub access_token: String,
    /// Seconds until the token expires.
    pub expires_in: i64,
    /// The session of the token. The token ends with the session.
    pub session_id: SessionId,
}

/// An error of the creation of an access token. [`Vestibule::create_access_token`] returns it.
#[derive(Debug, thiserror::Error)]
pub enum CreateAccessTokenError {
    /// There is no user with this id.
    #[error("there is no user {0}")]
    UnknownUser(UserId),
    /// The user is disabled.
    #[error("user {0} is disabled")]
    Disabled(UserId),
    /// There is no client with this id.
    #[error("there is no client {0:?}")]
    UnknownClient(String),
    /// A claim has a reserved name, or the claims do not fit into a token.
    #[error("{0}")]
    Claims(String),
    /// The lifetime is out of bounds. Contains the upper bound in seconds.
    #[error("a lifetime must be from 1 to {0} seconds")]
    Lifetime(i64),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The outcome of the transaction.
enum Created {
    Session(Box<User>),
    UnknownUser,
    Disabled,
    Claims(String),
}

/// Creates an access token and its session. [`Vestibule::create_access_token`] describes it.
pub(in crate::flows) async fn create_access_token(
    vestibule: &Vestibule,
    user: UserId,
    options: AccessTokenOptions,
    context: &RequestContext,
) -> Result<IssuedAccessToken, CreateAccessTokenError> {
    let client_id = options.client_id.as_deref().unwrap_or(DEFAULT_CLIENT);
    let clients = &vestibule.clients;
    let unknown = || CreateAccessTokenError::UnknownClient(client_id.to_owned());
    let client = clients.get(client_id).ok_or_else(unknown)?;
    let client = client.as_ref();
    claims::check_custom(&options.claims).map_err(CreateAccessTokenError::Claims)?;
    let session = session(vestibule, user, client, &options, context)?;
    let (row, own, room) = (session.clone(), options.claims.clone(), vestibule.token_size_budget());
    let event = AuditEvent::new(Event::AccessTokenCreated, context).user(user).session(session.id);
    let created = vestibule.store.write(async move |tx| insert(tx, &row, &own, &room, &event).await).await?;
    match created {
        Created::Session(user) => {
            let exp = session.access_expires_at;
            let mut claims = vestibule.access_claims(&user, &session, client, options.fresh, context.now, exp);
            claims.custom.extend(options.claims);
            let access_token = vestibule.keyring.keys().sign(&claims);
            Ok(IssuedAccessToken { access_token, expires_in: exp.since(context.now), session_id: session.id })
        }
        Created::UnknownUser => Err(CreateAccessTokenError::UnknownUser(user)),
        Created::Disabled => Err(CreateAccessTokenError::Disabled(user)),
        Created::Claims(message) => Err(CreateAccessTokenError::Claims(message)),
    }
}

/// Returns a session that ends with the token. Fails with [`CreateAccessTokenError::Lifetime`] if the lifetime is out of
/// bounds.
fn session(
    vestibule: &Vestibule,
    user: UserId,
    client: &Client,
    options: &AccessTokenOptions,
    context: &RequestContext,
) -> Result<Session, CreateAccessTokenError> {
    let now = context.now;
    let longest = vestibule.config.sessions.session_lifetime.seconds();
    let lifetime = options.lifetime.unwrap_or_else(|| client.access_token_lifetime.seconds());
    if !(1..=longest).contains(&lifetime) {
        return Err(CreateAccessTokenError::Lifetime(longest));
    }
    let end = now.plus(lifetime);
    Ok(Session {
        id: SessionId::new(now, random::bytes()),
        user_id: user,
        client_id: client.id.clone(),
        device: None,
        device_name: options.name.as_ref().map(|name| name.as_str().to_owned()),
        user_agent: None,
        ip: None,
        created_at: now,
        last_used_at: now,
        expires_at: end,
        refresh_expires_at: end,
        generations: Generations::first(now),
        access_expires_at: end,
        auth_time: now,
        failed_proofs: 0,
        mismatches: Mismatches::default(),
        repeated: None,
        fingerprint: None,
        device_seen: false,
        scope: None,
        revoked_at: None,
        revoked_reason: None,
    })
}

/// Inserts the session and the audit event. Inserts nothing if the user does not exist or is disabled, or if the claims do not
/// fit into a token. `own` are the claims of this token alone.
async fn insert(
    tx: &mut Tx,
    session: &Session,
    own: &Map<String, Value>,
    room: &TokenSizeBudget,
    event: &AuditEvent,
) -> store::Result<Created> {
    let Some(user) = users::find(tx, session.user_id).await? else { return Ok(Created::UnknownUser) };
    if user.disabled_at.is_some() {
        return Ok(Created::Disabled);
    }
    let mut all = user.claims.clone();
    all.extend(own.clone());
    if let Err(message) = room.check(&all, &user.roles, &user.permissions) {
        return Ok(Created::Claims(message));
    }
    sessions::insert(tx, session).await?;
    audit::insert(tx, event).await?;
    Ok(Created::Session(Box::new(user)))
}

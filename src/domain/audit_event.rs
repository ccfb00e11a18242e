//! The audit log: a closed list of event types, and the data that is recorded with each event.

use serde_json::{Map, Value};

use super::{SessionId, UnixTime, UserId, words::words};

words! {
    /// A type of event. The word is its name in the log and in the query parameter `event`.
    #[expect(missing_docs, reason = "the names say it")]
    pub Event {
        UserRegistered = "user_registered",
        UserAdded = "user_added",
        UsersImported = "users_imported",
        UserChanged = "user_changed",
        UserDisabled = "user_disabled",
        UserEnabled = "user_enabled",
        UserDeleted = "user_deleted",
        LoginSucceeded = "login_succeeded",
        LoginFailed = "login_failed",
        Reauthenticated = "reauthenticated",
        ReauthenticationFailed = "reauthentication_failed",
        PasswordChanged = "password_changed",
        RefreshReused = "refresh_reused",
        RefreshRepeated = "refresh_repeated",
        DeviceMismatch = "device_mismatch",
        DeviceDrift = "device_drift",
        DeviceLimitReached = "device_limit_reached",
        AccessTokenCreated = "access_token_created",
        SessionRevoked = "session_revoked",
        LoggedOut = "logged_out",
        SigningKeyCreated = "signing_key_created",
        SigningKeyPromoted = "signing_key_promoted",
        SigningKeyRetired = "signing_key_retired",
        SigningKeyRemoved = "signing_key_removed",
        RootSecretChanged = "root_secret_changed",
        RootSecretLost = "root_secret_lost",
        RoleChanged = "role_changed",
        RoleRemoved = "role_removed",
        TokenRevoked = "token_revoked",
        LimitReached = "limit_reached",
        LinkCreated = "link_created",
        LinkUsed = "link_used",
        ClientAdded = "client_added",
        ClientChanged = "client_changed",
        ClientRemoved = "client_removed",
        DeviceRemoved = "device_removed",
        DatabaseRestored = "database_restored",
    }
}

/// Who caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The user that the event concerns, somebody without an account, or the server itself.
    Unnamed,
    /// The operator, on the command line.
    CommandLine,
    /// This user, by means of the administration.
    User(UserId),
}

impl Actor {
    /// The text in the log for the command line. It is not the id of a user.
    pub const COMMAND_LINE: &str = "command_line";

    /// The text in the log for an acting user who was deleted later. An event without a text about the actor is an act of
    /// its own user, so the text can't simply be removed.
    pub const DELETED_USER: &str = "deleted_user";

    /// Returns the text in the log; `None` for [`Actor::Unnamed`].
    pub fn text(self) -> Option<String> {
        match self {
            Self::Unnamed => None,
            Self::CommandLine => Some(Self::COMMAND_LINE.to_owned()),
            Self::User(user) => Some(user.to_string()),
        }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// The time of the event.
    pub at: UnixTime,
    /// The type of the event.
    pub event: Event,
    /// The user that the event concerns.
    pub user: Option<UserId>,
    /// The session that the event concerns.
    pub session: Option<SessionId>,
    /// The client's IP address. `None` as in [`RequestContext::ip`].
    pub ip: Option<String>,
    /// Who caused the event.
    pub actor: Actor,
    /// Further details, by name. They never contain a secret, and never a login name that no user has.
    pub detail: Map<String, Value>,
}

impl AuditEvent {
    /// Returns an event with the time, the address and the actor of `context`, without user, session and details.
    pub fn new(event: Event, context: &RequestContext) -> Self {
        let (ip, actor) = (context.ip.clone(), context.actor);
        Self { at: context.now, event, user: None, session: None, ip, actor, detail: Map::new() }
    }

    /// Sets the user that the event concerns.
    #[must_use]
    pub fn user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// Sets the session that the event concerns.
    #[must_use]
    pub fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Adds a detail. Replaces an existing detail of the same name.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// The time, address and user agent of a request. The HTTP handlers and the command line pass it to every flow.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The time of the request, in whole seconds.
    pub now: UnixTime,
    /// The client's IP address. `None` if the address is unknown, and for a call without a request: from the command
    /// line, from the code of an application, or from a background task.
    pub ip: Option<String>,
    /// The client's `User-Agent`, truncated to 512 bytes. `None` if the request has no such header.
    pub user_agent: Option<String>,
    /// Who acts, if it is not the user that the event concerns.
    pub actor: Actor,
}

impl RequestContext {
    /// Returns the context of a command.
    pub fn command_line(now: UnixTime) -> Self {
        Self { now, ip: None, user_agent: None, actor: Actor::CommandLine }
    }

    /// Returns the context of a call from the code of an application, or from a background task.
    pub fn internal(now: UnixTime) -> Self {
        Self { now, ip: None, user_agent: None, actor: Actor::Unnamed }
    }

    /// Returns the context with the user who acts.
    #[must_use]
    pub fn by(self, user: UserId) -> Self {
        Self { actor: Actor::User(user), ..self }
    }
}

//! What the audit log says: a closed list of events, and what stands beside each.

use serde_json::{Map, Value};

use super::{SessionId, UnixTime, UserId};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Event {
    UserRegistered,
    UserAdded,
    UserChanged,
    UserDisabled,
    UserEnabled,
    UserDeleted,
    LoginSucceeded,
    LoginFailed,
    Reauthenticated,
    ReauthenticationFailed,
    PasswordChanged,
    RefreshReused,
    DeviceMismatch,
    DeviceDrift,
    DeviceLimitReached,
    AccessTokenCreated,
    SessionRevoked,
    LoggedOut,
    SigningKeyCreated,
    SigningKeyPromoted,
    SigningKeyRetired,
    SigningKeyRemoved,
    RootSecretChanged,
    RootSecretLost,
    RoleChanged,
    RoleRemoved,
    TokenRevoked,
}

impl Event {
    /// The name in the log and in `?event=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserRegistered => "user_registered",
            Self::UserAdded => "user_added",
            Self::UserChanged => "user_changed",
            Self::UserDisabled => "user_disabled",
            Self::UserEnabled => "user_enabled",
            Self::UserDeleted => "user_deleted",
            Self::LoginSucceeded => "login_succeeded",
            Self::LoginFailed => "login_failed",
            Self::Reauthenticated => "reauthenticated",
            Self::ReauthenticationFailed => "reauthentication_failed",
            Self::PasswordChanged => "password_changed",
            Self::RefreshReused => "refresh_reused",
            Self::DeviceMismatch => "device_mismatch",
            Self::DeviceDrift => "device_drift",
            Self::DeviceLimitReached => "device_limit_reached",
            Self::AccessTokenCreated => "access_token_created",
            Self::SessionRevoked => "session_revoked",
            Self::LoggedOut => "logged_out",
            Self::SigningKeyCreated => "signing_key_created",
            Self::SigningKeyPromoted => "signing_key_promoted",
            Self::SigningKeyRetired => "signing_key_retired",
            Self::SigningKeyRemoved => "signing_key_removed",
            Self::RootSecretChanged => "root_secret_changed",
            Self::RootSecretLost => "root_secret_lost",
            Self::RoleChanged => "role_changed",
            Self::RoleRemoved => "role_removed",
            Self::TokenRevoked => "token_revoked",
        }
    }
}

/// One line of the audit log.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// When.
    pub at: UnixTime,
    /// What.
    pub event: Event,
    /// Who it happened to.
    pub user: Option<UserId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// From which address; none on the command line.
    pub ip: Option<String>,
    /// What else is worth knowing. Never a secret, never a name that nobody has.
    pub detail: Map<String, Value>,
}

impl AuditEvent {
    /// An event with nothing beside it but its time and origin.
    pub fn new(event: Event, context: &RequestContext) -> Self {
        Self { at: context.now, event, user: None, session: None, ip: context.ip.clone(), detail: Map::new() }
    }

    /// Says whom it concerns.
    #[must_use]
    pub fn user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// Says which session it concerns.
    #[must_use]
    pub fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// Where a call comes from and when: what every flow is told by the edge.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The second of the call.
    pub now: UnixTime,
    /// The client's address, none on the command line.
    pub ip: Option<String>,
    /// The client's `User-Agent`, at most 512 bytes of it.
    pub user_agent: Option<String>,
}

impl RequestContext {
    /// A call from the command line.
    pub fn command_line(now: UnixTime) -> Self {
        Self { now, ip: None, user_agent: None }
    }
}

//! Login: finds the user, verifies the password, and opens a session on a device.
//!
//! A wrong password, an unknown user, and a disabled user with a wrong password get the same response after the same work of
//! one hash. Facts about an account are revealed only to a caller that has just proved its password.

use crate::{
    config::{Client, LimitPolicy},
    domain::{
        DeviceRowId, Identifier, Permission, Scope, SessionId, User,
        audit_event::{AuditEvent, Event, RequestContext},
        device::{DeviceName, DeviceSecret, DeviceSecretHash, Fingerprint},
        device_limit,
        generations::Generations,
        mismatches::Mismatches,
        password::Password,
        session::{RevokeReason, Session},
    },
    flows::{
        Tokens, Vestibule,
        steps::{
            candidate::{Candidate, VerifiedPassword, failure, identify, verify_password},
            client::KnownClient,
            grants::access_expiry,
            login_device, login_outcome, past_limit,
            revocation::Revocation,
        },
    },
    memory::{
        hasher::HashError,
        metrics::LoginOutcome,
        throttle::{Network, PastLimit, RetryAfter},
    },
    random,
    store::{self, Tx, audit, clients, sessions, users},
};

/// A request to log in.
#[derive(Debug)]
pub struct Login {
    /// The username or the email address that the user typed.
    pub identifier: Identifier,
    /// The password to verify.
    pub password: Password,
    /// The fingerprint of the browser.
    pub fingerprint: Option<Fingerprint>,
    /// The `device_id`s that the request presents, from earlier logins. The first that belongs to a device of this user and
    /// client is used.
    pub device_ids: Vec<DeviceSecret>,
    /// The name of the device in the user's list.
    pub device_name: Option<DeviceName>,
    /// The client of the session.
    pub client: KnownClient,
    /// The audience of the access token: one of the client's. `None` for the client's default.
    pub audience: Option<String>,
    /// The scope to which the session is limited. `None` for all permissions of the user that the client may have.
    pub scope: Option<Scope>,
    /// The session of the user that ends if the limit of devices is reached and the policy is to reject the login.
    pub end_session: Option<SessionId>,
    /// Whether the login opens no session, but only tells whether the limit of devices is reached. It is for a form that can't
    /// send the fingerprint that the server requires.
    pub only_asks: bool,
}

/// An error of a login.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The user is unknown, or the password is wrong.
    #[error("unknown user or wrong password")]
    InvalidCredentials,
    /// The user is disabled. The password was right.
    #[error("the account is disabled")]
    Disabled,
    /// The limit of devices is reached. Contains the limit and the sessions that count. The password was right.
    #[error("{0} devices are signed in, which is the limit")]
    DeviceLimit(u32, Vec<Session>),
    /// The login only asked whether the limit of devices is reached, and it is not. The password was right.
    #[error("a login without the required fingerprint opens no session")]
    OnlyAsked,
    /// The client was removed during the login. The password was right.
    #[error("the client was removed")]
    ClientRemoved,
    /// The client does not have this audience.
    #[error("the client does not have the audience {0:?}")]
    Audience(String),
    /// The requested scope contains this permission, which the user or the client does not have. The password was right.
    #[error("the requested scope contains {0}, which can't be granted")]
    Scope(Permission),
    /// There were too many attempts from one address, or too many wrong passwords for one name. Contains the time after which
    /// the client may try again.
    #[error("too many attempts")]
    TooMany(RetryAfter),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl LoginError {
    /// Returns the outcome as the metrics count it.
    fn outcome(&self) -> LoginOutcome {
        match self {
            Self::InvalidCredentials => LoginOutcome::InvalidCredentials,
            Self::Disabled => LoginOutcome::AccountDisabled,
            Self::DeviceLimit(..) => LoginOutcome::DeviceLimitReached,
            Self::OnlyAsked | Self::Audience(_) => LoginOutcome::InvalidRequest,
            Self::ClientRemoved => LoginOutcome::InvalidClient,
            Self::Scope(_) => LoginOutcome::InvalidScope,
            Self::TooMany(_) => LoginOutcome::TooManyRequests,
            Self::Hash(HashError::Overloaded) => LoginOutcome::Overloaded,
            Self::Hash(HashError::Failed(_)) => LoginOutcome::InternalError,
            Self::Store(_) => LoginOutcome::StorageUnavailable,
        }
    }
}

/// Verifies the password, opens a session and returns its tokens. `network` is the key of the limit by IP address; if it is
/// `None`, this limit does not apply. Counts the outcome, and logs a wrong password with the address of the client.
pub async fn login(
    vestibule: &Vestibule,
    request: Login,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<Tokens, LoginError> {
    let opened = log_in(vestibule, request, network, context).await;
    let outcome = opened.as_ref().map_or_else(LoginError::outcome, |_| LoginOutcome::Success);
    login_outcome::record(vestibule, outcome, context);
    opened
}

async fn log_in(
    vestibule: &Vestibule,
    request: Login,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<Tokens, LoginError> {
    let client = request.client.settings();
    if client.audience.choose(request.audience.as_deref()).is_none() {
        return Err(LoginError::Audience(request.audience.unwrap_or_default()));
    }
    if let Some(network) = network
        && let Err(wait) = vestibule.throttle.logins.take(&network)
    {
        let refused = PastLimit::LoginsOfAddress(vestibule.typed_name(request.identifier.key(), None), Some(network));
        // The database is read for an attempt that is recorded, not for each that is refused.
        if past_limit::is_first(vestibule, &refused) {
            let candidate = identify(vestibule, &request.identifier, &request.device_ids, client).await?;
            let event = failure(vestibule, candidate.as_ref(), &request.identifier, context);
            past_limit::write(vestibule, &refused, event).await?;
        }
        return Err(LoginError::TooMany(wait));
    }
    // The attempt is repeated once if the stored hash changed during the comparison: a concurrent login may have renewed the
    // hash.
    for _ in 0..2 {
        if let Some(tokens) = attempt(vestibule, &request, client, network, context).await? {
            return Ok(tokens);
        }
    }
    Err(LoginError::InvalidCredentials)
}

/// Attempts a login. Returns `None` if the password was right, but since it was read, its stored hash has changed or the user
/// was deleted.
async fn attempt(
    vestibule: &Vestibule,
    request: &Login,
    client: &Client,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<Option<Tokens>, LoginError> {
    let candidate = identify(vestibule, &request.identifier, &request.device_ids, client).await?;
    let event = |candidate: Option<&Candidate>| failure(vestibule, candidate, &request.identifier, context);
    let device = candidate.as_ref().and_then(|candidate| candidate.device);
    let name = vestibule.typed_name(request.identifier.key(), device);
    let attempt = match vestibule.throttle.failures.begin(std::slice::from_ref(&name)).await {
        Ok(attempt) => attempt,
        Err(wait) => {
            let refused = PastLimit::LoginsOfName(name, network);
            past_limit::record(vestibule, &refused, || event(candidate.as_ref())).await?;
            return Err(LoginError::TooMany(wait));
        }
    };
    match (verify_password(vestibule, &request.password, &candidate).await?, candidate) {
        (Some(verified), Some(candidate)) => {
            // A right password does not count against the limit.
            drop(attempt);
            if let Err(wait) = vestibule.throttle.logins_of_user.take(&candidate.user.id) {
                let refused = PastLimit::LoginsOfAddress(name, None);
                past_limit::record(vestibule, &refused, || event(Some(&candidate))).await?;
                return Err(LoginError::TooMany(wait));
            }
            open_session(vestibule, request, client, candidate, verified, context).await
        }
        (_, candidate) => {
            attempt.failed();
            let event = event(candidate.as_ref());
            vestibule.store.write(async move |tx| audit::insert(tx, &event).await).await?;
            Err(LoginError::InvalidCredentials)
        }
    }
}

/// The outcome of the transaction of a login.
enum Opened {
    Session(Box<(User, Session)>),
    Disabled,
    ClientRemoved,
    Scope(Permission),
    /// The password was changed or the user was deleted during the comparison.
    PasswordChanged,
    DeviceLimit(Vec<Session>),
    OnlyAsked,
}

/// Opens the session in one transaction. Returns `None` if the password has changed since it was read.
async fn open_session(
    vestibule: &Vestibule,
    request: &Login,
    client: &Client,
    candidate: Candidate,
    verified: VerifiedPassword,
    context: &RequestContext,
) -> Result<Option<Tokens>, LoginError> {
    let plan = LoginPlan::new(vestibule, request, client, &candidate, context);
    let opened = vestibule.store.write(async move |tx| plan.carry_out(tx, &verified).await).await?;
    match opened {
        Opened::Session(opened) => {
            let audience = client.audience.choose(request.audience.as_deref());
            let audience = audience.unwrap_or_else(|| client.audience.default_audience());
            Ok(Some(vestibule.tokens(None, audience, &opened.0, &opened.1, client, true, context.now)))
        }
        Opened::Disabled => Err(LoginError::Disabled),
        Opened::ClientRemoved => Err(LoginError::ClientRemoved),
        Opened::Scope(permission) => Err(LoginError::Scope(permission)),
        Opened::PasswordChanged => Ok(None),
        Opened::OnlyAsked => Err(LoginError::OnlyAsked),
        Opened::DeviceLimit(live) => Err(LoginError::DeviceLimit(vestibule.config.devices.max_per_user, live)),
    }
}

/// The data of the transaction, prepared before it begins, so that the transaction waits for nothing except the database.
struct LoginPlan {
    session: Session,
    client: Client,
    /// Whether the client is in the configuration, and can't be removed while the server runs.
    client_is_fixed: bool,
    known_device: Option<DeviceRowId>,
    /// The device to insert if the request has no known device, and the hash of its `device_id`.
    new_device: (DeviceRowId, DeviceSecretHash),
    max_devices: usize,
    policy: LimitPolicy,
    end_session: Option<SessionId>,
    only_asks: bool,
    revocation_ttl: i64,
    context: RequestContext,
}

impl LoginPlan {
    /// Prepares the session and the device of this login.
    fn new(
        vestibule: &Vestibule,
        request: &Login,
        client: &Client,
        candidate: &Candidate,
        context: &RequestContext,
    ) -> Self {
        let now = context.now;
        let new_device = DeviceRowId::new(random::bytes());
        let expires_at = now.plus(vestibule.config.sessions.session_lifetime.seconds());
        let presented = vestibule.seal_fingerprint(request.fingerprint.as_ref(), candidate.user.id);
        let mut session = Session {
            id: SessionId::new(now, random::bytes()),
            user_id: candidate.user.id,
            client_id: client.id.clone(),
            scope: request.scope.clone(),
            device: Some(candidate.device.unwrap_or(new_device)),
            device_name: login_device::name(request.device_name.as_ref(), context),
            user_agent: context.user_agent.clone(),
            ip: context.ip.clone(),
            created_at: now,
            last_used_at: now,
            expires_at,
            refresh_expires_at: now.plus(client.refresh_token_lifetime.seconds()).min(expires_at),
            generations: Generations::first(now),
            access_expires_at: now,
            auth_time: now,
            failed_proofs: 0,
            mismatches: Mismatches::default(),
            repeated: None,
            fingerprint: presented.map(|presented| presented.baseline()),
            device_seen: false,
            revoked_at: None,
            revoked_reason: None,
        };
        // `access_expiry` reads the end of the session, so the session is created first.
        session.access_expires_at = access_expiry(&session, client, now);
        Self {
            session,
            client: client.clone(),
            client_is_fixed: vestibule.config.clients.get(&client.id).is_some(),
            known_device: candidate.device,
            new_device: (new_device, vestibule.device_secret_hash(&vestibule.device_secret(new_device))),
            max_devices: vestibule.config.devices.max_per_user as usize,
            policy: vestibule.config.devices.limit_policy,
            end_session: request.end_session,
            only_asks: request.only_asks,
            revocation_ttl: vestibule.revocation_ttl(),
            context: context.clone(),
        }
    }

    /// Checks again the rows that `identify` read, enforces the limit of devices, and inserts the session.
    async fn carry_out(&self, tx: &mut Tx, verified: &VerifiedPassword) -> store::Result<Opened> {
        let id = self.session.user_id;
        let (user, password) = (users::find(tx, id).await?, users::find_password_hash(tx, id).await?);
        let (Some(user), Some(password)) = (user, password) else { return Ok(Opened::PasswordChanged) };
        if password.as_str() != verified.stored.as_str() {
            return Ok(Opened::PasswordChanged);
        }
        if user.disabled_at.is_some() {
            let event = AuditEvent::new(Event::LoginFailed, &self.context).user(id).detail("reason", "disabled");
            audit::insert(tx, &event).await?;
            return Ok(Opened::Disabled);
        }
        // The removal of a client ends its sessions. A session that was inserted afterwards would be alive again with a later
        // client of the same id.
        if !self.client_is_fixed && clients::find(tx, &self.client.id).await?.is_none() {
            return Ok(Opened::ClientRemoved);
        }
        if let Some(renewed) = &verified.renewed {
            users::replace_password_hash(tx, id, &verified.stored, renewed).await?;
        }
        let grantable = self.client.permitted(&user.permissions);
        if let Some(beyond) = self.session.scope.as_ref().and_then(|scope| scope.first_not_in(&grantable)) {
            let event = AuditEvent::new(Event::LoginFailed, &self.context).user(id).detail("reason", "scope");
            audit::insert(tx, &event).await?;
            return Ok(Opened::Scope(beyond.clone()));
        }
        let mut session = self.session.clone();
        let never_ends_one = self.only_asks && self.policy == LimitPolicy::EvictOldest;
        if !never_ends_one && let Err(live) = self.make_room(tx).await? {
            let event = AuditEvent::new(Event::DeviceLimitReached, &self.context).user(id);
            audit::insert(tx, &event).await?;
            return Ok(Opened::DeviceLimit(live));
        }
        if self.only_asks {
            let event = AuditEvent::new(Event::LoginFailed, &self.context).user(id).detail("reason", "fingerprint");
            audit::insert(tx, &event).await?;
            return Ok(Opened::OnlyAsked);
        }
        let replaced = |id| self.revocation(sessions::Selection::OfDevice(id), RevokeReason::DeviceReplaced);
        let known = self.known_device.map(|id| (id, replaced(id)));
        session.device = Some(login_device::take(tx, known, &self.new_device, &session).await?);
        sessions::insert(tx, &session).await?;
        let event = AuditEvent::new(Event::LoginSucceeded, &self.context)
            .user(id)
            .session(session.id)
            .detail("client_id", session.client_id.clone());
        audit::insert(tx, &event).await?;
        Ok(Opened::Session(Box::new((user, session))))
    }

    /// Returns a revocation of sessions of the user, because of this login.
    fn revocation(&self, selection: sessions::Selection, reason: RevokeReason) -> Revocation {
        let (user, context) = (self.session.user_id, self.context.clone());
        Revocation { user, selection, reason, ttl: self.revocation_ttl, context }
    }

    /// Enforces the limit of devices. With the policy to reject, revokes the session that the login names if that is necessary,
    /// and returns the sessions that count if there is still no room. With the other policy, revokes sessions until there is
    /// room.
    async fn make_room(&self, tx: &mut Tx) -> store::Result<Result<(), Vec<Session>>> {
        // 0 means that there is no limit.
        if self.max_devices == 0 {
            return Ok(Ok(()));
        }
        let mut live = sessions::list_live_by_user(tx, self.session.user_id, self.context.now).await?;
        live.retain(|session| session.device.is_some() && session.device != self.known_device);
        let over = |live: &[Session]| {
            device_limit::over_limit(live.to_vec(), &self.session, self.known_device, self.max_devices)
        };
        if self.policy == LimitPolicy::Reject {
            let named = live.iter().position(|session| Some(session.id) == self.end_session);
            if let Some(named) = named.filter(|_| !self.only_asks && !over(&live).is_empty()) {
                let one = sessions::Selection::One(live.remove(named).id);
                self.revocation(one, RevokeReason::RevokedByUser).carry_out(tx).await?;
            }
            return Ok(if over(&live).is_empty() { Ok(()) } else { Err(live) });
        }
        for session in over(&live) {
            let one = sessions::Selection::One(session);
            self.revocation(one, RevokeReason::DeviceEvicted).carry_out(tx).await?;
        }
        Ok(Ok(()))
    }
}

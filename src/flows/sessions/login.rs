//! Login: identify → prove → open a session on a device.
//!
//! A wrong password, an unknown user and a disabled one with a wrong password get the same answer after the same work: one
//! hash. What is said about an account is said to whoever has just proved its password.

use crate::{
    config::{Client, LimitPolicy, UsernameField},
    domain::{
        DeviceRow, Identifier, Permission, Scope, SessionId, User,
        audit_event::{AuditEvent, Event, RequestContext},
        device::{DeviceName, DeviceSecret, DeviceSecretHash, Fingerprint},
        generations::Generations,
        password::{Password, PasswordHash},
        session::{RevokeReason, Session},
    },
    flows::{
        Tokens, Vestibule,
        steps::{client::KnownClient, grants::access_expiry, revocation::Revocation},
    },
    memory::{
        hasher::{HashError, PasswordCheck},
        throttle::{Network, RetryAfter},
    },
    random,
    store::{self, Tx, audit, devices, sessions, users},
};

/// What a person sends to log in.
#[derive(Debug)]
pub struct Login<'v> {
    /// Who they say they are.
    pub identifier: Identifier,
    /// What should prove it.
    pub password: Password,
    /// What the browser looks like.
    pub fingerprint: Option<Fingerprint>,
    /// The secrets that this device may have got at an earlier login: the first that is known counts.
    pub device_ids: Vec<DeviceSecret>,
    /// What to call it in the list.
    pub device_name: Option<DeviceName>,
    /// Through which client.
    pub client: KnownClient<'v>,
    /// What the session's tokens should say at most of the user's permissions.
    pub scope: Option<Scope>,
}

/// Why there was no login.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown user or wrong password.
    #[error("unknown user or wrong password")]
    InvalidCredentials,
    /// The password was right.
    #[error("the account is disabled")]
    Disabled,
    /// The password was right.
    #[error("{0} devices are signed in, which is the limit")]
    DeviceLimit(u32),
    /// The user, or the client, may not do all that was asked for. The password was right.
    #[error("the scope asks for {0}, which can't be granted")]
    Scope(Permission),
    /// Too many attempts from an address, or wrong passwords for a name.
    #[error("too many attempts")]
    TooMany(RetryAfter),
    /// The password could not be compared.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Opens a session and gives its tokens.
///
/// # Errors
/// [`LoginError`].
pub async fn login(
    vestibule: &Vestibule,
    request: Login<'_>,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<Tokens, LoginError> {
    let client = request.client.settings();
    if let Some(network) = network {
        vestibule.throttle.logins.take(&network).map_err(LoginError::TooMany)?;
    }
    // A second time where the stored password changed while it was being compared: another login may have renewed its form.
    for _ in 0..2 {
        if let Some(tokens) = attempt(vestibule, &request, client, context).await? {
            return Ok(tokens);
        }
    }
    Err(LoginError::InvalidCredentials)
}

/// Nothing where the proof was old when it was to be used.
async fn attempt(
    vestibule: &Vestibule,
    request: &Login<'_>,
    client: &Client,
    context: &RequestContext,
) -> Result<Option<Tokens>, LoginError> {
    let candidate = identify(vestibule, request, client).await?;
    let device = candidate.as_ref().and_then(|candidate| candidate.device);
    let name = vestibule.typed_name(request.identifier.key(), device);
    let attempt = vestibule.throttle.failures.begin(&[name]).await.map_err(LoginError::TooMany)?;
    match (verify_password(vestibule, &request.password, &candidate).await?, candidate) {
        (Some(verified), Some(candidate)) => {
            drop(attempt);
            open_session(vestibule, request, client, candidate, verified, context).await
        }
        (_, candidate) => {
            attempt.failed();
            record_failure(vestibule, candidate, &request.identifier, context).await?;
            Err(LoginError::InvalidCredentials)
        }
    }
}

async fn record_failure(
    vestibule: &Vestibule,
    candidate: Option<Candidate>,
    identifier: &Identifier,
    context: &RequestContext,
) -> store::Result<()> {
    let event = AuditEvent::new(Event::LoginFailed, context);
    let event = match candidate {
        Some(candidate) => event.user(candidate.user.id),
        // People type passwords where the name belongs: only a keyed hash is kept.
        None => event.detail("name_hash", vestibule.name_hash(identifier)),
    };
    vestibule.store.write(async move |tx| audit::insert(tx, &event).await).await
}

/// Whom the name belongs to, and what is stored to compare with.
struct Candidate {
    user: User,
    password: Option<PasswordHash>,
    device: Option<DeviceRow>,
}

/// Whether people sign in by a name of this kind. By another kind nobody is known.
fn signs_in_by(field: UsernameField, identifier: &Identifier) -> bool {
    match (field, identifier) {
        (UsernameField::Username, Identifier::Email(_)) | (UsernameField::Email, Identifier::Username(_)) => false,
        (UsernameField::Username | UsernameField::Email | UsernameField::Either, _) => true,
    }
}

async fn identify(vestibule: &Vestibule, request: &Login<'_>, client: &Client) -> store::Result<Option<Candidate>> {
    if !signs_in_by(vestibule.config.passwords.username_field, &request.identifier) {
        return Ok(None);
    }
    let mut reader = vestibule.store.read().await?;
    let Some(user) = users::find_by_identifier(&mut reader, &request.identifier).await? else { return Ok(None) };
    let password = users::find_password(&mut reader, user.id).await?;
    let mut device = None;
    for secret in &request.device_ids {
        if device.is_none() {
            let hash = vestibule.device_secret_hash(secret);
            device = devices::find_by_secret(&mut reader, user.id, &client.id, &hash).await?;
        }
    }
    Ok(Some(Candidate { user, password, device }))
}

/// A right password: the stored form that it was compared with, and a newer one where that was outdated.
struct VerifiedPassword {
    stored: PasswordHash,
    renewed: Option<PasswordHash>,
}

/// Always one hash, and a second one after a right password whose stored form is outdated.
async fn verify_password(
    vestibule: &Vestibule,
    password: &Password,
    candidate: &Option<Candidate>,
) -> Result<Option<VerifiedPassword>, HashError> {
    let stored = candidate.as_ref().and_then(|candidate| candidate.password.clone());
    let verdict = vestibule.hasher.verify(password, stored.clone()).await?;
    let (Some(stored), PasswordCheck::Correct | PasswordCheck::CorrectButOutdated) = (stored, verdict) else {
        return Ok(None);
    };
    let renewed = match verdict {
        PasswordCheck::CorrectButOutdated => Some(vestibule.hasher.hash(password).await?),
        PasswordCheck::Correct | PasswordCheck::Wrong => None,
    };
    Ok(Some(VerifiedPassword { stored, renewed }))
}

/// How the transaction of a login can end.
enum Opened {
    Session(Box<(User, Session)>),
    Disabled,
    Scope(Permission),
    /// The password was changed, or the user deleted, while this one was being compared.
    PasswordChanged,
    DeviceLimit,
}

async fn open_session(
    vestibule: &Vestibule,
    request: &Login<'_>,
    client: &Client,
    candidate: Candidate,
    verified: VerifiedPassword,
    context: &RequestContext,
) -> Result<Option<Tokens>, LoginError> {
    let limit = vestibule.config.devices.max_per_user;
    let plan = Plan::new(vestibule, request, client, &candidate, context);
    let opened = vestibule.store.write(async move |tx| plan.carry_out(tx, &verified).await).await?;
    match opened {
        Opened::Session(opened) => Ok(Some(vestibule.tokens(&opened.0, &opened.1, client, true, context.now))),
        Opened::Disabled => Err(LoginError::Disabled),
        Opened::Scope(permission) => Err(LoginError::Scope(permission)),
        Opened::PasswordChanged => Ok(None),
        Opened::DeviceLimit => Err(LoginError::DeviceLimit(limit)),
    }
}

/// Everything that the transaction needs, made before it begins: it waits for nothing but the database.
struct Plan {
    session: Session,
    client: Client,
    known_device: Option<DeviceRow>,
    new_device: (DeviceRow, DeviceSecretHash),
    max_devices: usize,
    policy: LimitPolicy,
    revocation_ttl: i64,
    context: RequestContext,
}

impl Plan {
    fn new(
        vestibule: &Vestibule,
        request: &Login<'_>,
        client: &Client,
        candidate: &Candidate,
        context: &RequestContext,
    ) -> Self {
        let now = context.now;
        let new_device = DeviceRow::new(random::bytes());
        let expires_at = now.plus(vestibule.config.sessions.session_lifetime.seconds());
        let mut session = Session {
            id: SessionId::new(now, random::bytes()),
            user_id: candidate.user.id,
            client_id: client.id.clone(),
            scope: request.scope.clone(),
            device: Some(candidate.device.unwrap_or(new_device)),
            device_name: device_name(request, context),
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
            mismatches: 0,
            fingerprint: vestibule.seal_fingerprint(request.fingerprint.as_ref(), candidate.user.id),
            revoked_at: None,
            revoked_reason: None,
        };
        session.access_expires_at = access_expiry(&session, client, now);
        Self {
            session,
            client: client.clone(),
            known_device: candidate.device,
            new_device: (new_device, vestibule.device_secret_hash(&vestibule.device_secret(new_device))),
            max_devices: vestibule.config.devices.max_per_user as usize,
            policy: vestibule.config.devices.limit_policy,
            revocation_ttl: vestibule.revocation_ttl(),
            context: context.clone(),
        }
    }

    async fn carry_out(&self, tx: &mut Tx, verified: &VerifiedPassword) -> store::Result<Opened> {
        let id = self.session.user_id;
        let (user, password) = (users::find(tx, id).await?, users::find_password(tx, id).await?);
        let (Some(user), Some(password)) = (user, password) else { return Ok(Opened::PasswordChanged) };
        if password.as_str() != verified.stored.as_str() {
            return Ok(Opened::PasswordChanged);
        }
        if user.disabled_at.is_some() {
            let event = AuditEvent::new(Event::LoginFailed, &self.context).user(id).detail("reason", "disabled");
            audit::insert(tx, &event).await?;
            return Ok(Opened::Disabled);
        }
        if let Some(renewed) = &verified.renewed {
            users::replace_password_hash(tx, id, &verified.stored, renewed).await?;
        }
        let grantable = self.client.permitted(&user.permissions);
        if let Some(beyond) = self.session.scope.as_ref().and_then(|scope| scope.beyond(&grantable)) {
            let event = AuditEvent::new(Event::LoginFailed, &self.context).user(id).detail("reason", "scope");
            audit::insert(tx, &event).await?;
            return Ok(Opened::Scope(beyond.clone()));
        }
        let mut session = self.session.clone();
        if !self.enforce_device_limit(tx).await? {
            let event = AuditEvent::new(Event::DeviceLimitReached, &self.context).user(id);
            audit::insert(tx, &event).await?;
            return Ok(Opened::DeviceLimit);
        }
        session.device = Some(self.take_device(tx).await?);
        sessions::insert(tx, &session).await?;
        let event = AuditEvent::new(Event::LoginSucceeded, &self.context)
            .user(id)
            .session(session.id)
            .detail("client_id", session.client_id.clone());
        audit::insert(tx, &event).await?;
        Ok(Opened::Session(Box::new((user, session))))
    }
}

impl Plan {
    /// Sessions of the same user that this login ends.
    fn revocation(&self, selection: sessions::Selection, reason: RevokeReason) -> Revocation {
        let (user, context) = (self.session.user_id, self.context.clone());
        Revocation { user, selection, reason, ttl: self.revocation_ttl, context }
    }

    /// The device that this login is on. A known one gives up the session that it had.
    async fn take_device(&self, tx: &mut Tx) -> store::Result<DeviceRow> {
        let (user, now) = (self.session.user_id, self.context.now);
        if let Some(device) = self.known_device
            && devices::touch(tx, device, now).await?
        {
            let of_device = sessions::Selection::OfDevice(device);
            self.revocation(of_device, RevokeReason::DeviceReplaced).carry_out(tx).await?;
            return Ok(device);
        }
        let (device, secret) = &self.new_device;
        devices::insert(tx, *device, user, &self.session.client_id, secret, now).await?;
        Ok(*device)
    }

    /// Whether one more session is within the limit, after the least recently used ones went where the policy says so.
    /// A device has one live session at the most, so sessions are what is counted: those with a device, which tokens made in code
    /// have not. That of this very device will go.
    async fn enforce_device_limit(&self, tx: &mut Tx) -> store::Result<bool> {
        if self.max_devices == 0 {
            return Ok(true);
        }
        let mut live = sessions::list_live_by_user(tx, self.session.user_id, self.context.now).await?;
        live.retain(|session| session.device.is_some() && session.device != self.known_device);
        let surplus = (live.len() + 1).saturating_sub(self.max_devices);
        if surplus > 0 && self.policy == LimitPolicy::Reject {
            return Ok(false);
        }
        for oldest in live.iter().rev().take(surplus) {
            let one = sessions::Selection::One(oldest.id);
            self.revocation(one, RevokeReason::DeviceEvicted).carry_out(tx).await?;
        }
        Ok(true)
    }
}

/// The name given, or one made from the user agent.
fn device_name(request: &Login<'_>, context: &RequestContext) -> Option<String> {
    let made = || context.user_agent.as_deref().and_then(DeviceName::from_user_agent);
    request.device_name.clone().or_else(made).map(|name| name.as_str().to_owned())
}

//! The refresh flow: it exchanges a refresh token for new tokens of the session.
//!
//! The flow reads the session's row, and `domain::rotation::decide` decides. A rotation is one conditional update: of any
//! number of concurrent refreshes exactly one updates the row. Within the grace period the other refreshes read the row again
//! and return the same new refresh token, each with an access token of its own. A refusal because of a reused token or another
//! device is committed, not rolled back: a rollback would also undo the revocation and the audit event.
//!
//! Tokens that were revoked before the response are not returned: the rows are read again, and new tokens are issued or the
//! refresh fails. As cookies, revoked tokens would replace the valid tokens that another tab has just received.

use crate::{
    config::{Client, Profile},
    domain::{
        Permission, Scope, SessionId, UnixTime, User,
        audit_event::RequestContext,
        device::{Comparison, DeviceSecret, Fingerprint},
        generations::Issued,
        refresh_token::{RefreshClaims, RefreshTokenError},
        rotation::{Decision, Presented, decide},
        session::{Session, SessionState},
    },
    flows::{
        Tokens, Vestibule,
        steps::{
            client::{self, ClientError, KnownClient},
            fingerprint_check::{self, FingerprintCheck},
            grants::{access_expiry, granted_permissions},
            past_limit, refresh_record,
        },
    },
    memory::{metrics::RefreshOutcome, throttle::RetryAfter},
    store::{self, sessions, users},
};

/// An error of a refresh.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is not a refresh token of this server, or it has expired.
    #[error(transparent)]
    Token(#[from] RefreshTokenError),
    /// The session has ended, or its user was deleted or is disabled.
    #[error("session {0} has ended")]
    SessionEnded(SessionId),
    /// The token was issued before the last change of the password. The session continues.
    #[error("a refresh token of session {0} was issued before the last password change")]
    Outdated(SessionId),
    /// The token was superseded more than `refresh_reuse_grace` seconds ago. The session has been revoked.
    #[error("a superseded refresh token of session {0} was used again")]
    Reused(SessionId),
    /// The token was superseded within the grace by a refresh with the secret of the device, which this request lacks. The
    /// session continues.
    #[error("a superseded refresh token of session {0} was repeated without the device's secret")]
    WithoutDevice(SessionId),
    /// The fingerprint is missing or belongs to another device. Contains what the comparison found, in the profile `dev` only.
    /// `Mismatches` says when the session is revoked.
    #[error("a refresh of session {0} has no fingerprint of its device")]
    DeviceMismatch(SessionId, Option<Comparison>),
    /// The token was issued to another client than the client that presents it.
    #[error("the refresh token of session {0} was issued to another client")]
    ForeignClient(SessionId),
    /// The token's client is not configured any longer, or it is confidential and has not authenticated.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The client of the session does not have this audience.
    #[error("the client does not have the audience {0:?}")]
    Audience(String),
    /// The requested scope contains this permission, which the session was not granted.
    #[error("the requested scope contains {0}, which was not granted")]
    Scope(Permission),
    /// The session reached its limit of refreshes. Contains the time after which the client may try again.
    #[error("too many refreshes")]
    TooMany(RetryAfter),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A request to refresh.
#[derive(Debug)]
pub struct Refresh<'r> {
    /// The refresh token.
    pub token: &'r str,
    /// The fingerprint of the browser.
    pub fingerprint: Option<Fingerprint>,
    /// The `device_id`s that the request presents.
    pub device_ids: Vec<DeviceSecret>,
    /// The client that presents the token. `None` if the request names no client; then the token's own client must be public.
    pub client: Option<KnownClient>,
    /// The audience of the access token: one of the client's. `None` for the client's default.
    pub audience: Option<String>,
    /// The scope to which the access token is limited, within the scope that the session was granted.
    pub scope: Option<Scope>,
}

impl<'r> Refresh<'r> {
    /// Creates a request with a refresh token alone.
    pub fn of(token: &'r str) -> Self {
        Self { token, fingerprint: None, device_ids: Vec::new(), client: None, audience: None, scope: None }
    }
}

/// The outcome of one attempt.
enum Attempt {
    Issued(Box<Tokens>, RefreshOutcome),
    /// Another request changed the row between the read and the write. The attempt must be repeated.
    Overtaken,
}

impl Attempt {
    /// Adds what the comparison of the fingerprint found, and removes the secret of the device if `hides_device` says so.
    fn with(self, compared: Option<Comparison>, hides_device: bool) -> Self {
        match self {
            Self::Issued(tokens, outcome) => {
                let device_id = tokens.device_id.clone().filter(|_| !hides_device);
                Self::Issued(Box::new(Tokens { compared, device_id, ..*tokens }), outcome)
            }
            Self::Overtaken => Self::Overtaken,
        }
    }
}

/// The maximum number of attempts of one refresh, and of reads of the rows after its write, while other requests change them.
const MAX_ATTEMPTS: usize = 64;

impl RefreshError {
    /// Returns the outcome as the metrics count it.
    fn outcome(&self) -> RefreshOutcome {
        match self {
            Self::Token(RefreshTokenError::Expired) => RefreshOutcome::TokenExpired,
            Self::Token(RefreshTokenError::WrongType) => RefreshOutcome::WrongTokenType,
            Self::Token(RefreshTokenError::Invalid) | Self::WithoutDevice(_) | Self::ForeignClient(_) => {
                RefreshOutcome::InvalidToken
            }
            Self::SessionEnded(_) | Self::Outdated(_) => RefreshOutcome::TokenRevoked,
            Self::Reused(_) => RefreshOutcome::RefreshReused,
            Self::DeviceMismatch(..) => RefreshOutcome::DeviceMismatch,
            Self::Client(_) => RefreshOutcome::InvalidClient,
            Self::Audience(_) => RefreshOutcome::InvalidRequest,
            Self::Scope(_) => RefreshOutcome::InvalidScope,
            Self::TooMany(_) => RefreshOutcome::TooManyRequests,
            Self::Store(_) => RefreshOutcome::StorageUnavailable,
        }
    }
}

/// Verifies a refresh token and issues tokens of its session: a new access token and the current refresh token. A reused token
/// or repeated device mismatches also revoke the session. Counts the outcome.
pub async fn refresh(
    vestibule: &Vestibule,
    request: Refresh<'_>,
    context: &RequestContext,
) -> Result<Tokens, RefreshError> {
    let issued = issue(vestibule, request, context).await;
    vestibule.metrics.refreshes.count(issued.as_ref().map_or_else(RefreshError::outcome, |(_, outcome)| *outcome));
    issued.map(|(tokens, _)| tokens)
}

async fn issue(
    vestibule: &Vestibule,
    request: Refresh<'_>,
    context: &RequestContext,
) -> Result<(Tokens, RefreshOutcome), RefreshError> {
    let claims = vestibule.refresh_tokens.verify(request.token, context.now)?;
    let client = match &request.client {
        Some(client) if client.settings().id != claims.client_id => {
            return Err(RefreshError::ForeignClient(claims.sid));
        }
        Some(client) => client.clone(),
        None => client::public_client(vestibule, &claims.client_id)?,
    };
    let mut found = find(vestibule, &claims).await?;
    // Fingerprint checks of a session run one at a time, so that concurrent requests cannot exceed the number of permitted
    // mismatches. The row is read again under the lock.
    let _lock = if fingerprint_check::is_needed(vestibule, &found.0) {
        let lock = vestibule.throttle.fingerprints.lock_key(claims.sid).await;
        found = find(vestibule, &claims).await?;
        Some(lock)
    } else {
        None
    };
    for _ in 0..MAX_ATTEMPTS {
        if let Attempt::Issued(tokens, outcome) =
            attempt(vestibule, &claims, client.settings(), found, &request, context).await?
        {
            return Ok((*tokens, outcome));
        }
        found = find(vestibule, &claims).await?;
    }
    Err(inconsistent(&claims))
}

/// Decides on the token by the rows `session` and `user`, and carries the decision out.
async fn attempt(
    vestibule: &Vestibule,
    claims: &RefreshClaims,
    client: &Client,
    (session, user): (Session, User),
    request: &Refresh<'_>,
    context: &RequestContext,
) -> Result<Attempt, RefreshError> {
    let check = FingerprintCheck::of(vestibule, &session, request.fingerprint.as_ref());
    let policy = vestibule.rotation_policy();
    let now = context.now;
    let with_device = presents_device(vestibule, &session, request);
    let presented = Presented { generation: claims.generation, binding: check.binding, with_device };
    let decision = decide(&session, user.disabled_at.is_none(), presented, now, policy);
    if session.generations.is_behind(claims.generation) {
        vestibule.health.saw_newer_copy(now);
    }
    // A token that is refused is reported as such, whatever is requested.
    if matches!(decision, Decision::Rotate | Decision::Keep | Decision::Repeat) {
        check_scope(request.scope.as_ref(), &user, &session, client)?;
        audience_of(request, client)?;
    }
    let shown = shown(vestibule, &check);
    // A client that sends the secret of its device knows it. Another request may come from a thief, who would learn it here.
    let hides_device = session.device_seen && !with_device;
    let attempt = match decision {
        Decision::Rotate => {
            if let Err(wait) = vestibule.throttle.refreshes.peek(&session.id) {
                // A concurrent refresh of the same token may have used the last permitted rotation. If so, this request must
                // repeat that result instead of being refused.
                let overtaken = !is_current(vestibule, claims).await?;
                return if overtaken {
                    Ok(Attempt::Overtaken)
                } else {
                    refuse(vestibule, &session, wait, context).await
                };
            }
            let mut next = refresh_record::after_refresh(&session, client, &check, with_device, context);
            next.refresh_expires_at = now.plus(client.refresh_token_lifetime.seconds()).min(next.expires_at);
            next.generations =
                session.generations.after_rotation(claims.generation, Issued { at: now, with_device }, policy.grace);
            next.access_expires_at = access_expiry(&next, client, now);
            if !refresh_record::update_if_at_generation(
                vestibule,
                session.generations.current(),
                &next,
                refresh_record::check_event(&check, &session, context),
            )
            .await?
            {
                return Ok(Attempt::Overtaken);
            }
            // It is counted after the write. Concurrent requests can't exceed the limit: only one rotates a generation.
            vestibule.throttle.refreshes.take(&next.id).ok();
            issue_tokens(vestibule, claims, (next, user), client, request, RefreshOutcome::Success, now).await
        }
        Decision::Keep => {
            // Rotation is off, and each refresh writes to the row. So each is limited like a rotation. It is counted before the
            // write, because several concurrent refreshes can each succeed.
            if let Err(wait) = vestibule.throttle.refreshes.take(&session.id) {
                return refuse(vestibule, &session, wait, context).await;
            }
            let next = refresh_record::after_refresh(&session, client, &check, with_device, context);
            let claimed = refresh_record::update_if_at_generation(
                vestibule,
                session.generations.current(),
                &next,
                refresh_record::check_event(&check, &session, context),
            )
            .await;
            if !matches!(claimed, Ok(true)) {
                vestibule.throttle.refreshes.give_back(&session.id);
                return Ok(claimed.map(|_| Attempt::Overtaken)?);
            }
            issue_tokens(vestibule, claims, (next, user), client, request, RefreshOutcome::Success, now).await
        }
        Decision::Repeat => {
            if let Err(wait) = vestibule.throttle.repeats.take(&session.id) {
                return refuse(vestibule, &session, wait, context).await;
            }
            let is_from_elsewhere = session.ip != context.ip || session.user_agent != context.user_agent;
            let elsewhere = is_from_elsewhere.then(|| refresh_record::from_elsewhere(&session, context));
            refresh_record::record_repeat(
                vestibule,
                &session,
                elsewhere,
                refresh_record::check_event(&check, &session, context),
                context,
            )
            .await?;
            issue_tokens(vestibule, claims, (session, user), client, request, RefreshOutcome::Repeated, now).await
        }
        Decision::RefuseEnded => Err(RefreshError::SessionEnded(session.id)),
        Decision::RefuseOutdated => Err(RefreshError::Outdated(session.id)),
        Decision::RefuseReused => {
            refresh_record::revoke_reused(vestibule, &session, context).await?;
            Err(RefreshError::Reused(session.id))
        }
        Decision::RefuseWithoutDevice => {
            if let Err(wait) = vestibule.throttle.repeats.take(&session.id) {
                return refuse(vestibule, &session, wait, context).await;
            }
            refresh_record::record_repeat_without_device(vestibule, &session, context).await?;
            Err(RefreshError::WithoutDevice(session.id))
        }
        Decision::RefuseDevice => {
            refresh_record::count_device_mismatch(vestibule, &session, &check, context).await?;
            Err(RefreshError::DeviceMismatch(session.id, shown.clone()))
        }
    };
    attempt.map(|attempt| attempt.with(shown, hides_device))
}

/// Issues the tokens of a session. If the session or the authorization version was revoked after the rows were read, reads the
/// rows again. Fails if the session has ended or the token is outdated. `decide` is not called again, because its decision has
/// been carried out.
async fn issue_tokens(
    vestibule: &Vestibule,
    claims: &RefreshClaims,
    (mut session, mut user): (Session, User),
    client: &Client,
    request: &Refresh<'_>,
    outcome: RefreshOutcome,
    now: UnixTime,
) -> Result<Attempt, RefreshError> {
    let generation = session.generations.current();
    let (scope, audience) = (request.scope.as_ref(), audience_of(request, client)?);
    for _ in 0..MAX_ATTEMPTS {
        let tokens = vestibule.tokens(scope, audience, &user, &session, client, false, now);
        if !vestibule.revocations.invalidated_since(session.id, user.id, user.authorization_version) {
            return Ok(Attempt::Issued(Box::new(tokens), outcome));
        }
        (session, user) = find(vestibule, claims).await?;
        if session.state(now) != SessionState::Live || user.disabled_at.is_some() {
            return Err(RefreshError::SessionEnded(session.id));
        }
        if generation < session.generations.since_password() {
            return Err(RefreshError::Outdated(session.id));
        }
    }
    Err(inconsistent(claims))
}

/// Returns the error for a refresh that did not succeed in [`MAX_ATTEMPTS`] attempts.
fn inconsistent(claims: &RefreshClaims) -> RefreshError {
    let what = "the row changed in each attempt, or does not match the announced revocation".to_owned();
    store::Error::Inconsistent { table: "sessions", id: claims.sid.to_string(), what }.into()
}

/// Returns the audience of the access token.
fn audience_of<'c>(request: &Refresh<'_>, client: &'c Client) -> Result<&'c str, RefreshError> {
    let requested = request.audience.as_deref();
    client.audience.choose(requested).ok_or_else(|| RefreshError::Audience(requested.unwrap_or_default().to_owned()))
}

/// Checks that the requested scope is within the scope of the session (RFC 6749 §6). If the session has no scope, the limit is
/// the user's present permissions within the client's scopes. A permission in the session's scope that the user has lost is not
/// refused: it is left out of the token.
fn check_scope(requested: Option<&Scope>, user: &User, session: &Session, client: &Client) -> Result<(), RefreshError> {
    let beyond = match &session.scope {
        Some(scope) => requested.and_then(|requested| requested.first_not_in(scope.permissions())),
        None => requested.and_then(|requested| requested.first_not_in(&granted_permissions(user, session, client))),
    };
    beyond.map_or(Ok(()), |beyond| Err(RefreshError::Scope(beyond.clone())))
}

/// Reads the user of a refresh token first and the token's session second. The order matters: if the session was read first and
/// the password changed between the reads, an access token could be issued for the old session with the new authorization
/// version, and it would be accepted. Fails with [`RefreshError::SessionEnded`] if either row is absent.
async fn find(vestibule: &Vestibule, claims: &RefreshClaims) -> Result<(Session, User), RefreshError> {
    let ended = || RefreshError::SessionEnded(claims.sid);
    let mut reader = vestibule.store.read().await?;
    let user = users::find(&mut reader, claims.sub).await?.ok_or_else(ended)?;
    let session = sessions::find(&mut reader, claims.sid).await?.ok_or_else(ended)?;
    Ok((session, user))
}

/// Returns what the comparison found, for the response. Only in the profile `dev`: it would tell a thief how close they are.
fn shown(vestibule: &Vestibule, check: &FingerprintCheck) -> Option<Comparison> {
    check.comparison().filter(|_| vestibule.config.profile == Profile::Dev && check.event().is_some())
}

/// Returns whether the request presents the secret of the session's device.
fn presents_device(vestibule: &Vestibule, session: &Session, request: &Refresh<'_>) -> bool {
    let hash = |secret: &DeviceSecret| vestibule.device_secret_hash(secret);
    session
        .device
        .map(|device| hash(&vestibule.device_secret(device)))
        .is_some_and(|own| request.device_ids.iter().any(|presented| hash(presented) == own))
}

/// Refuses a refresh past a limit of the session.
async fn refuse(
    vestibule: &Vestibule,
    session: &Session,
    wait: RetryAfter,
    context: &RequestContext,
) -> Result<Attempt, RefreshError> {
    past_limit::record_refresh(vestibule, session.id, session.user_id, context).await?;
    Err(RefreshError::TooMany(wait))
}

/// Reads the session and returns whether the token is still its current token. The token's generation is higher if an older
/// copy of the database was restored.
async fn is_current(vestibule: &Vestibule, claims: &RefreshClaims) -> store::Result<bool> {
    let session = sessions::find(&mut *vestibule.store.read().await?, claims.sid).await?;
    Ok(session.is_some_and(|session| session.generations.current() <= claims.generation))
}

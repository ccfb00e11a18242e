//! Refresh: trade a refresh token for its one successor.
//!
//! The row is read, `domain::rotation::decide` says what the token gets, and what changes the row is one conditional
//! update: of any number of concurrent refreshes exactly one updates the row. The others read it again, and answer with the
//! token that the first one made. Refusals are committed too: a refusal that was rolled back would forget the theft.
//!
//! Tokens are valid when they are answered. Tokens that a password change or a revocation has overtaken are not given out: as
//! cookies they would replace the valid ones that another tab has just received.

use crate::{
    config::{Client, FingerprintPolicy},
    domain::{
        Permission, Scope, SessionId, UnixTime, User,
        audit_event::{AuditEvent, Event, RequestContext},
        device::Fingerprint,
        refresh_token::{RefreshClaims, RefreshTokenError},
        rotation::{Decision, decide},
        session::{MAX_MISMATCHES, RevokeReason, Session, SessionState},
    },
    flows::{
        Tokens, Vestibule,
        steps::{
            client::{self, ClientError, KnownClient},
            fingerprint_check::FingerprintCheck,
            grants::{access_expiry, granted_permissions},
            revocation::Revocation,
        },
    },
    memory::throttle::RetryAfter,
    store::{self, audit, sessions, users},
};

/// Why a refresh token got nothing.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Not ours, expired, or an access token.
    #[error(transparent)]
    Token(#[from] RefreshTokenError),
    /// Its session or user is no more.
    #[error("session {0} is over")]
    SessionEnded(SessionId),
    /// It was made before the last change of the password; the session goes on.
    #[error("a refresh token of session {0} came that is older than the password")]
    Outdated(SessionId),
    /// It was rotated away longer ago than the grace; the session is revoked now.
    #[error("an old refresh token of session {0} came back")]
    Reused(SessionId),
    /// The session is bound to another device.
    #[error("session {0} was refreshed from another device")]
    DeviceMismatch(SessionId),
    /// It was given to another client than the one that shows it.
    #[error("a refresh token of another client, session {0}")]
    ForeignClient(SessionId),
    /// Its client is no longer configured, or a confidential one that nothing proved.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// More was asked for than the session was granted.
    #[error("the scope asks for {0}, which was not granted")]
    Scope(Permission),
    /// More rotations than a session is allowed.
    #[error("too many refreshes")]
    TooMany(RetryAfter),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a client sends to refresh.
#[derive(Debug)]
pub struct Refresh<'r> {
    /// The refresh token.
    pub token: &'r str,
    /// What the browser looks like.
    pub fingerprint: Option<Fingerprint>,
    /// The client that shows the token; none where nobody says, and the token's own must be a public one.
    pub client: Option<KnownClient<'r>>,
    /// What this access token should say at most, within what the session was granted.
    pub scope: Option<Scope>,
}

impl<'r> Refresh<'r> {
    /// A refresh token with nothing beside it.
    pub fn of(token: &'r str) -> Self {
        Self { token, fingerprint: None, client: None, scope: None }
    }
}

/// What became of one attempt.
enum Attempt {
    Answered(Tokens),
    /// Somebody else changed the row between our reading and our writing.
    Overtaken,
}

/// How often a refresh is tried again after another request changed its rows. Once is rare already.
const MAX_ATTEMPTS: usize = 8;

/// Gives the tokens that follow on a refresh token.
///
/// # Errors
/// [`RefreshError`].
pub async fn refresh(
    vestibule: &Vestibule,
    request: Refresh<'_>,
    context: &RequestContext,
) -> Result<Tokens, RefreshError> {
    let claims = vestibule.refresh_tokens.verify(request.token, context.now)?;
    let client = match request.client {
        Some(client) if client.settings().id != claims.client_id => {
            return Err(RefreshError::ForeignClient(claims.sid));
        }
        Some(client) => client,
        None => client::public_client(vestibule, &claims.client_id)?,
    };
    let mut found = find(vestibule, &claims).await?;
    let _lock = if judges_device(vestibule, &found.0) {
        let lock = vestibule.throttle.fingerprints.lock_key(claims.sid).await;
        found = find(vestibule, &claims).await?;
        Some(lock)
    } else {
        None
    };
    for _ in 0..MAX_ATTEMPTS {
        if let Attempt::Answered(tokens) =
            attempt(vestibule, &claims, client.settings(), found, &request, context).await?
        {
            return Ok(tokens);
        }
        found = find(vestibule, &claims).await?;
    }
    Err(inconsistent(&claims))
}

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
    let scope = request.scope.as_ref();
    let decision = decide(&session, user.disabled_at.is_none(), claims.generation, check.binding, now, policy);
    if matches!(decision, Decision::Rotate | Decision::Keep | Decision::Repeat) {
        check_scope(scope, &user, &session, client)?;
    }
    match decision {
        Decision::Rotate => {
            if let Err(wait) = vestibule.throttle.refreshes.peek(&session.id) {
                // The rotation that used the limit up may be the one of this very token.
                let overtaken = !is_current(vestibule, claims).await?;
                return if overtaken { Ok(Attempt::Overtaken) } else { Err(RefreshError::TooMany(wait)) };
            }
            let mut next = after_refresh(&session, client, &check, context);
            next.refresh_expires_at = now.plus(client.refresh_token_lifetime.seconds()).min(next.expires_at);
            next.generations = session.generations.after(claims.generation, now, policy.grace);
            next.access_expires_at = access_expiry(&next, client, now);
            if !claim(vestibule, session.generations.current(), &next, check.event(), context).await? {
                return Ok(Attempt::Overtaken);
            }
            // There is one rotation for each generation, so it is counted once it is done.
            vestibule.throttle.refreshes.take(&next.id).ok();
            answer(vestibule, claims, (next, user), client, scope, now).await
        }
        Decision::Keep => {
            // Written at each refresh, so limited like a rotation; any number may be under way at once, so counted first.
            vestibule.throttle.refreshes.take(&session.id).map_err(RefreshError::TooMany)?;
            let next = after_refresh(&session, client, &check, context);
            let claimed = claim(vestibule, session.generations.current(), &next, check.event(), context).await;
            if !matches!(claimed, Ok(true)) {
                vestibule.throttle.refreshes.give_back(&session.id);
                return Ok(claimed.map(|_| Attempt::Overtaken)?);
            }
            answer(vestibule, claims, (next, user), client, scope, now).await
        }
        Decision::Repeat => {
            if session.mismatches > 0 || check.event().is_some() {
                record_repeat(vestibule, &session, check.event(), context).await?;
            }
            answer(vestibule, claims, (session, user), client, scope, now).await
        }
        Decision::RefuseEnded => Err(RefreshError::SessionEnded(session.id)),
        Decision::RefuseOutdated => Err(RefreshError::Outdated(session.id)),
        Decision::RefuseReused => Err(refuse_reused(vestibule, &session, context).await?),
        Decision::RefuseDevice => Err(refuse_device(vestibule, &session, context).await?),
    }
}

/// Returns the tokens of a session. When a revocation or a password change has overtaken its rows, it reads them again, and fails
/// if the session is over or the token is outdated. What the refresh gets was written, and is not decided again.
async fn answer(
    vestibule: &Vestibule,
    claims: &RefreshClaims,
    (mut session, mut user): (Session, User),
    client: &Client,
    scope: Option<&Scope>,
    now: UnixTime,
) -> Result<Attempt, RefreshError> {
    let generation = session.generations.current();
    for _ in 0..MAX_ATTEMPTS {
        let tokens = vestibule.tokens_within(scope, &user, &session, client, false, now);
        if !vestibule.revocations.overtook(session.id, user.id, user.authorization_version) {
            return Ok(Attempt::Answered(tokens));
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

/// The error when memory has a revocation that the rows do not show, even when they are read repeatedly.
fn inconsistent(claims: &RefreshClaims) -> RefreshError {
    let what = "its row and what was announced of it don't fit together".to_owned();
    store::Error::Inconsistent { table: "sessions", id: claims.sid.to_string(), what }.into()
}

/// No more may be asked for than the session was granted (RFC 6749 §6). What of that the user has lost since is not refused: the
/// token just does not say it.
fn check_scope(asked: Option<&Scope>, user: &User, session: &Session, client: &Client) -> Result<(), RefreshError> {
    let beyond = match &session.scope {
        Some(scope) => asked.and_then(|asked| asked.beyond(scope.permissions())),
        None => asked.and_then(|asked| asked.beyond(&granted_permissions(user, session, client))),
    };
    beyond.map_or(Ok(()), |beyond| Err(RefreshError::Scope(beyond.clone())))
}

/// Reads the user of a refresh token, and then its session. In the other order, a password change between the two reads would
/// combine an old session with the new authorization version, and the access token would be valid.
async fn find(vestibule: &Vestibule, claims: &RefreshClaims) -> Result<(Session, User), RefreshError> {
    let ended = || RefreshError::SessionEnded(claims.sid);
    let mut reader = vestibule.store.read().await?;
    let user = users::find(&mut reader, claims.sub).await?.ok_or_else(ended)?;
    let session = sessions::find(&mut reader, claims.sid).await?.ok_or_else(ended)?;
    Ok((session, user))
}

/// Whether the fingerprint of a refresh decides what it gets.
fn judges_device(vestibule: &Vestibule, session: &Session) -> bool {
    session.fingerprint.is_some() && vestibule.config.devices.fingerprint != FingerprintPolicy::Off
}

/// Whether the token is the session's current one at this moment.
async fn is_current(vestibule: &Vestibule, claims: &RefreshClaims) -> store::Result<bool> {
    let session = sessions::find(&mut *vestibule.store.read().await?, claims.sid).await?;
    Ok(session.is_some_and(|session| session.generations.current() <= claims.generation))
}

/// The session after a refresh, but for its generation.
fn after_refresh(session: &Session, client: &Client, check: &FingerprintCheck, context: &RequestContext) -> Session {
    Session {
        last_used_at: context.now,
        access_expires_at: access_expiry(session, client, context.now),
        ip: context.ip.clone(),
        user_agent: context.user_agent.clone(),
        fingerprint: check.baseline.clone(),
        ..session.clone()
    }
}

/// Writes the session, if its row is still at `from_generation`. Returns whether it was written.
async fn claim(
    vestibule: &Vestibule,
    from_generation: i64,
    next: &Session,
    event: Option<(Event, f64)>,
    context: &RequestContext,
) -> store::Result<bool> {
    let row = next.clone();
    let event = event.map(|event| audit_event(event, &row, context));
    vestibule
        .store
        .write(async move |tx| {
            let won = sessions::claim(tx, from_generation, &row).await?;
            if let (true, Some(event)) = (won, &event) {
                audit::insert(tx, event).await?;
            }
            Ok(won)
        })
        .await
}

/// Notes what a refresh showed that rotates nothing.
async fn record_repeat(
    vestibule: &Vestibule,
    session: &Session,
    event: Option<(Event, f64)>,
    context: &RequestContext,
) -> store::Result<()> {
    let (id, event) = (session.id, event.map(|event| audit_event(event, session, context)));
    vestibule
        .store
        .write(async move |tx| {
            sessions::clear_mismatches(tx, id).await?;
            match &event {
                Some(event) => audit::insert(tx, event).await,
                None => Ok(()),
            }
        })
        .await
}

fn audit_event((event, score): (Event, f64), session: &Session, context: &RequestContext) -> AuditEvent {
    AuditEvent::new(event, context).user(session.user_id).session(session.id).detail("score", two_digits(score))
}

fn two_digits(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

async fn refuse_reused(
    vestibule: &Vestibule,
    session: &Session,
    context: &RequestContext,
) -> store::Result<RefreshError> {
    let (id, user) = (session.id, session.user_id);
    let event = AuditEvent::new(Event::RefreshReused, context).user(user).session(id);
    let one = sessions::Selection::One(id);
    let revocation = Revocation::new(vestibule, user, one, RevokeReason::RefreshReused, context);
    vestibule
        .store
        .write(async move |tx| {
            audit::insert(tx, &event).await?;
            revocation.carry_out(tx).await
        })
        .await?;
    Ok(RefreshError::Reused(id))
}

async fn refuse_device(
    vestibule: &Vestibule,
    session: &Session,
    context: &RequestContext,
) -> store::Result<RefreshError> {
    let (id, user) = (session.id, session.user_id);
    let event = AuditEvent::new(Event::DeviceMismatch, context).user(user).session(id);
    let one = sessions::Selection::One(id);
    let revocation = Revocation::new(vestibule, user, one, RevokeReason::DeviceMismatch, context);
    vestibule
        .store
        .write(async move |tx| {
            let in_a_row = sessions::count_mismatch(tx, id).await?;
            audit::insert(tx, &event).await?;
            if in_a_row.is_some_and(|count| count >= MAX_MISMATCHES) {
                revocation.carry_out(tx).await?;
            }
            Ok(())
        })
        .await?;
    Ok(RefreshError::DeviceMismatch(id))
}

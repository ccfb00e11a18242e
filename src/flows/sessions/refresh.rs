//! Refresh: trade a refresh token for its one successor.
//!
//! The flow reads the session's row, and `domain::rotation::decide` decides. A rotation is one conditional update: of any
//! number of concurrent refreshes exactly one updates the row. The other refreshes read the row again and return the token
//! that the first refresh created. Refusals are committed too, because a rollback would forget a theft.
//!
//! Tokens are valid when they are returned. If a password change or a revocation has overtaken the tokens, they are not
//! returned: as cookies they would replace the valid tokens that another tab has just received.

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
    /// The token was superseded longer ago than the grace. The session is revoked now.
    #[error("a superseded refresh token of session {0} was used again")]
    Reused(SessionId),
    /// The session is bound to another device.
    #[error("session {0} was refreshed from another device")]
    DeviceMismatch(SessionId),
    /// The token was issued to another client than the client that presents it.
    #[error("the refresh token of session {0} was issued to another client")]
    ForeignClient(SessionId),
    /// The token's client is not configured any longer, or it is confidential and has not authenticated.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The request asks for permissions that the session was not granted.
    #[error("the requested scope contains {0}, which was not granted")]
    Scope(Permission),
    /// The session was rotated too often.
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
    /// The client that presents the token. `None` if the request names no client; then the token's own client must be public.
    pub client: Option<KnownClient<'r>>,
    /// The scope to which the access token is limited, within the scope that the session was granted.
    pub scope: Option<Scope>,
}

impl<'r> Refresh<'r> {
    /// Creates a request with a refresh token alone.
    pub fn of(token: &'r str) -> Self {
        Self { token, fingerprint: None, client: None, scope: None }
    }
}

/// The outcome of one attempt.
enum Attempt {
    Answered(Tokens),
    /// Another request changed the row between the read and the write.
    Overtaken,
}

/// The greatest number of attempts of one refresh. An attempt is repeated if another request changed the rows, which is rare.
const MAX_ATTEMPTS: usize = 8;

/// Refreshes a session. Returns its tokens.
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
                // This very token may have been rotated by the refresh that used the limit up.
                let overtaken = !is_current(vestibule, claims).await?;
                return if overtaken { Ok(Attempt::Overtaken) } else { Err(RefreshError::TooMany(wait)) };
            }
            let mut next = after_refresh(&session, client, &check, context);
            next.refresh_expires_at = now.plus(client.refresh_token_lifetime.seconds()).min(next.expires_at);
            next.generations = session.generations.after_rotation(claims.generation, now, policy.grace);
            next.access_expires_at = access_expiry(&next, client, now);
            if !claim(vestibule, session.generations.current(), &next, check.event(), context).await? {
                return Ok(Attempt::Overtaken);
            }
            // The rotation is counted after its write, because each generation is rotated only once.
            vestibule.throttle.refreshes.take(&next.id).ok();
            answer(vestibule, claims, (next, user), client, scope, now).await
        }
        Decision::Keep => {
            // Each refresh writes, so it is limited like a rotation. It is counted first, because any number of refreshes may
            // run at once.
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

/// Returns the tokens of a session. If a revocation or a password change has overtaken the rows, it reads them again. It
/// fails if the session has ended or the token is outdated. The decision is not made again, because its result was written.
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
        if !vestibule.revocations.invalidated_since(session.id, user.id, user.authorization_version) {
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

/// Returns the error for a revocation in memory that the rows do not contain, even after repeated reads.
fn inconsistent(claims: &RefreshClaims) -> RefreshError {
    let what = "the session's row does not match its announced revocation".to_owned();
    store::Error::Inconsistent { table: "sessions", id: claims.sid.to_string(), what }.into()
}

/// Checks that the request asks for no more than the session was granted (RFC 6749 §6). A permission of the session's scope
/// that the user has lost is not refused: the token does not contain it.
fn check_scope(asked: Option<&Scope>, user: &User, session: &Session, client: &Client) -> Result<(), RefreshError> {
    let beyond = match &session.scope {
        Some(scope) => asked.and_then(|asked| asked.first_not_in(scope.permissions())),
        None => asked.and_then(|asked| asked.first_not_in(&granted_permissions(user, session, client))),
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

/// Returns whether the fingerprint of a refresh is compared.
fn judges_device(vestibule: &Vestibule, session: &Session) -> bool {
    session.fingerprint.is_some() && vestibule.config.devices.fingerprint != FingerprintPolicy::Off
}

/// Returns whether the token is the session's current token at this moment.
async fn is_current(vestibule: &Vestibule, claims: &RefreshClaims) -> store::Result<bool> {
    let session = sessions::find(&mut *vestibule.store.read().await?, claims.sid).await?;
    Ok(session.is_some_and(|session| session.generations.current() <= claims.generation))
}

/// Returns the session after a refresh that does not rotate. A rotation also changes its generations and its end.
fn after_refresh(session: &Session, client: &Client, check: &FingerprintCheck, context: &RequestContext) -> Session {
    Session {
        last_used_at: context.now,
        access_expires_at: access_expiry(session, client, context.now),
        ip: context.ip.clone(),
        user_agent: context.user_agent.clone(),
        fingerprint: check.sealed.clone(),
        ..session.clone()
    }
}

/// Updates the session, if its row is still at `from_generation`. Returns whether it was updated.
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

/// Records the result of the fingerprint check of a refresh that does not rotate.
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

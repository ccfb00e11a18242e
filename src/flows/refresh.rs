//! Refresh: trade a refresh token for its one successor.
//!
//! The row is read, `domain::refresh_token::decide` says what the token gets, and what changes the row is one conditional
//! update: of any number of concurrent refreshes one finds the generation that it read. Whoever does not reads again, and
//! finds the winner's token to give. Refusals are committed too: a rolled-back one would forget the theft.

use super::{Tokens, Vestibule, access_expiry};
use crate::{
    config::{Client, FingerprintPolicy},
    domain::{
        SessionId, User,
        audit_event::{AuditEvent, Event, Origin},
        device::{self, Baseline, Fingerprint, Verdict},
        refresh_token::{Binding, Decision, RefreshClaims, RefreshTokenError, Rules, decide},
        session::{MAX_MISMATCHES, RevokeReason, Session},
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
    Over(SessionId),
    /// It was rotated away longer ago than the grace; the session is revoked now.
    #[error("an old refresh token of session {0} came back")]
    Reused(SessionId),
    /// The session is bound to another device.
    #[error("session {0} was refreshed from another device")]
    DeviceMismatch(SessionId),
    /// Its client is no longer configured.
    #[error("no client is called {0:?}")]
    UnknownClient(String),
    /// More rotations than a session is allowed.
    #[error("too many refreshes")]
    TooMany(RetryAfter),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What became of one attempt.
enum Attempt {
    Answered(Tokens),
    /// Somebody else changed the row between our reading and our writing.
    Outrun,
}

/// Gives the tokens that follow on `token`.
///
/// # Errors
/// [`RefreshError`].
pub async fn refresh(
    vestibule: &Vestibule,
    token: &str,
    fingerprint: Option<Fingerprint>,
    origin: &Origin,
) -> Result<Tokens, RefreshError> {
    let claims = vestibule.refresh_tokens.verify(token, origin.now)?;
    let client = vestibule
        .config
        .clients
        .get(&claims.client_id)
        .ok_or_else(|| RefreshError::UnknownClient(claims.client_id.clone()))?;
    loop {
        // Ends: we are outrun only by someone who moved the session on, and then the token is no longer its current one.
        match attempt(vestibule, &claims, client, fingerprint.as_ref(), origin).await? {
            Attempt::Answered(tokens) => return Ok(tokens),
            Attempt::Outrun => {}
        }
    }
}

async fn attempt(
    vestibule: &Vestibule,
    claims: &RefreshClaims,
    client: &Client,
    fingerprint: Option<&Fingerprint>,
    origin: &Origin,
) -> Result<Attempt, RefreshError> {
    let Some((session, user)) = find(vestibule, claims).await? else { return Err(RefreshError::Over(claims.sid)) };
    let sight = Sight::of(vestibule, &session, fingerprint);
    let rules =
        Rules { rotate: vestibule.config.sessions.rotate, grace: vestibule.config.sessions.reuse_grace.seconds() };
    let now = origin.now;
    match decide(&session, user.disabled_at.is_none(), claims.generation, sight.binding, now, rules) {
        Decision::Rotate => {
            if let Err(wait) = vestibule.throttle.refreshes.peek(&session.id) {
                // The rotation that used the limit up may be the one of this very token.
                let outrun = !is_current(vestibule, claims).await?;
                return if outrun { Ok(Attempt::Outrun) } else { Err(RefreshError::TooMany(wait)) };
            }
            let mut next = advance(&session, client, &sight, origin);
            next.refresh_expires_at = now.plus(client.refresh_token_lifetime.seconds()).min(next.expires_at);
            next.generations = session.generations.after(claims.generation, now, rules.grace);
            next.access_expires_at = access_expiry(&next, client, now);
            claim(vestibule, &user, session.generations.current(), next, client, sight.event(), origin).await
        }
        Decision::Keep => {
            // Written at each refresh, so limited like a rotation.
            vestibule.throttle.refreshes.peek(&session.id).map_err(RefreshError::TooMany)?;
            let next = advance(&session, client, &sight, origin);
            claim(vestibule, &user, session.generations.current(), next, client, sight.event(), origin).await
        }
        Decision::Repeat => {
            if session.mismatches > 0 || sight.event().is_some() {
                record(vestibule, &session, sight.event(), origin).await?;
            }
            Ok(Attempt::Answered(vestibule.tokens(&user, &session, client, false, now)))
        }
        Decision::RefuseOver => Err(RefreshError::Over(session.id)),
        Decision::RefuseReused => Err(refuse_reused(vestibule, &session, origin).await?),
        Decision::RefuseDevice => Err(refuse_device(vestibule, &session, origin).await?),
    }
}

async fn find(vestibule: &Vestibule, claims: &RefreshClaims) -> store::Result<Option<(Session, User)>> {
    let mut reader = vestibule.store.read().await?;
    let Some(session) = sessions::find(&mut reader, claims.sid).await? else { return Ok(None) };
    let user = users::find(&mut reader, session.user_id).await?;
    Ok(user.map(|user| (session, user)))
}

/// Whether the token is the session's current one at this moment.
async fn is_current(vestibule: &Vestibule, claims: &RefreshClaims) -> store::Result<bool> {
    let session = sessions::find(&mut *vestibule.store.read().await?, claims.sid).await?;
    Ok(session.is_some_and(|session| session.generations.current() <= claims.generation))
}

/// What the fingerprint of this refresh says beside the session's baseline.
struct Sight {
    binding: Binding,
    verdict: Verdict,
    /// The baseline after a match; what it was, otherwise.
    baseline: Option<Baseline>,
    score: f64,
}

impl Sight {
    fn of(vestibule: &Vestibule, session: &Session, fingerprint: Option<&Fingerprint>) -> Self {
        let policy = vestibule.config.devices.fingerprint;
        let unbound = Self {
            binding: Binding::Holds,
            verdict: Verdict::Unjudged,
            baseline: session.baseline.clone(),
            score: 1.0,
        };
        let Some(baseline) = session.baseline.as_ref().filter(|_| policy != FingerprintPolicy::Off) else {
            return unbound;
        };
        // None given is the same as one in which everything is missing.
        let presented = vestibule.baseline(fingerprint, session.user_id).unwrap_or_default();
        let score = device::compare(baseline, &presented);
        let verdict = device::judge(score, vestibule.thresholds);
        let refused = verdict == Verdict::Mismatch && policy != FingerprintPolicy::Log;
        Self {
            binding: if refused { Binding::Broken } else { Binding::Holds },
            verdict,
            baseline: Some(if verdict == Verdict::Match { baseline.renewed_by(&presented) } else { baseline.clone() }),
            score: score.value(),
        }
    }

    /// What the log keeps of a refresh that went through.
    fn event(&self) -> Option<(Event, f64)> {
        match self.verdict {
            Verdict::Drift => Some((Event::DeviceDrift, self.score)),
            Verdict::Mismatch => Some((Event::DeviceMismatch, self.score)),
            Verdict::Match | Verdict::Unjudged => None,
        }
    }
}

/// The session after a refresh, but for its generation.
fn advance(session: &Session, client: &Client, sight: &Sight, origin: &Origin) -> Session {
    Session {
        last_used_at: origin.now,
        access_expires_at: access_expiry(session, client, origin.now),
        ip: origin.ip.clone(),
        user_agent: origin.user_agent.clone(),
        baseline: sight.baseline.clone(),
        ..session.clone()
    }
}

/// Writes the session as it should be, if nobody wrote it since it was read.
async fn claim(
    vestibule: &Vestibule,
    user: &User,
    from_generation: i64,
    next: Session,
    client: &Client,
    event: Option<(Event, f64)>,
    origin: &Origin,
) -> Result<Attempt, RefreshError> {
    let row = next.clone();
    let event = event.map(|event| audit_event(event, &row, origin));
    let won = vestibule
        .store
        .write(async move |tx| {
            let won = sessions::claim(tx, from_generation, &row).await?;
            if let (true, Some(event)) = (won, &event) {
                audit::insert(tx, event).await?;
            }
            Ok(won)
        })
        .await?;
    if !won {
        return Ok(Attempt::Outrun);
    }
    // Only what was written counts, and there is one rotation for each generation: so it is counted once it is done.
    vestibule.throttle.refreshes.take(&next.id).ok();
    Ok(Attempt::Answered(vestibule.tokens(user, &next, client, false, origin.now)))
}

/// Notes what a refresh showed that rotates nothing.
async fn record(
    vestibule: &Vestibule,
    session: &Session,
    event: Option<(Event, f64)>,
    origin: &Origin,
) -> store::Result<()> {
    let (id, event) = (session.id, event.map(|event| audit_event(event, session, origin)));
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

fn audit_event((event, score): (Event, f64), session: &Session, origin: &Origin) -> AuditEvent {
    AuditEvent::new(event, origin).user(session.user_id).session(session.id).detail("score", two_digits(score))
}

fn two_digits(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

async fn refuse_reused(vestibule: &Vestibule, session: &Session, origin: &Origin) -> store::Result<RefreshError> {
    let (id, user, remember, origin) = (session.id, session.user_id, vestibule.remember(), origin.clone());
    vestibule
        .store
        .write(async move |tx| {
            audit::insert(tx, &AuditEvent::new(Event::RefreshReused, &origin).user(user).session(id)).await?;
            let one = sessions::Selection::One(id);
            Vestibule::revoke(tx, remember, user, one, RevokeReason::RefreshReused, &origin).await
        })
        .await?;
    Ok(RefreshError::Reused(id))
}

async fn refuse_device(vestibule: &Vestibule, session: &Session, origin: &Origin) -> store::Result<RefreshError> {
    let (id, user, remember, origin) = (session.id, session.user_id, vestibule.remember(), origin.clone());
    vestibule
        .store
        .write(async move |tx| {
            let in_a_row = sessions::count_mismatch(tx, id).await?;
            audit::insert(tx, &AuditEvent::new(Event::DeviceMismatch, &origin).user(user).session(id)).await?;
            if in_a_row.is_some_and(|count| count >= MAX_MISMATCHES) {
                let one = sessions::Selection::One(id);
                Vestibule::revoke(tx, remember, user, one, RevokeReason::DeviceMismatch, &origin).await?;
            }
            Ok(())
        })
        .await?;
    Ok(RefreshError::DeviceMismatch(id))
}

//! A revocation, as a value that a transaction carries out: in the rows, in the feed of changes, in the audit log.

use crate::{
    domain::{
        UnixTime, UserId,
        audit_event::{AuditEvent, Event, RequestContext},
        change::Change,
        session::RevokeReason,
    },
    flows::vestibule::Vestibule,
    store::{
        self, Tx, audit,
        sessions::{self, Selection},
    },
};

/// Sessions of a user that are to end, and why.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// Whose sessions.
    pub user: UserId,
    /// Which of them.
    pub selection: Selection,
    /// What the rows and the log say of it.
    pub reason: RevokeReason,
    /// Seconds for which it is remembered after the last access token that was given out.
    pub ttl: i64,
    /// Who asked, and when.
    pub context: RequestContext,
}

impl Revocation {
    /// Ends sessions of `user`.
    pub fn new(
        vestibule: &Vestibule,
        user: UserId,
        selection: Selection,
        reason: RevokeReason,
        context: &RequestContext,
    ) -> Self {
        Self { user, selection, reason, ttl: vestibule.revocation_ttl(), context: context.clone() }
    }

    /// Ends the sessions. Returns the number of those that were live.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn carry_out(&self, tx: &mut Tx) -> store::Result<usize> {
        let Self { user, selection, reason, ttl: revocation_ttl, context } = self;
        let revoked = sessions::revoke(tx, *user, *selection, *reason, context.now).await?;
        for session in &revoked {
            // Within the grace tokens are given out without a write, so the row's greatest `exp` may not be the last.
            let until = session.access_expires_at.max(context.now).plus(*revocation_ttl);
            tx.announce(Change::SessionRevoked(session.id), context.now, until).await?;
            let event = if *reason == RevokeReason::Logout { Event::LoggedOut } else { Event::SessionRevoked };
            let event =
                AuditEvent::new(event, context).user(*user).session(session.id).detail("reason", reason.as_str());
            audit::insert(tx, &event).await?;
        }
        Ok(revoked.iter().filter(|session| session.was_live).count())
    }
}

/// Announces that access tokens of `user` with an authorization version below `version` are invalid. The announcement is kept
/// until `remember` seconds after `now`, or after the last expiry of a token that was given out, whichever is later.
///
/// # Errors
/// [`store::Error`].
pub async fn invalidate_access_tokens(
    tx: &mut Tx,
    revocation_ttl: i64,
    user: UserId,
    version: i64,
    now: UnixTime,
) -> store::Result<()> {
    let given_out = sessions::latest_access_expiry(tx, Some(user)).await?.unwrap_or(now);
    let until = now.plus(revocation_ttl).max(given_out.plus(revocation_ttl));
    tx.announce(Change::AuthorizationVersion(user, version), now, until).await
}

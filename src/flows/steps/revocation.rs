//! A revocation as a value. A transaction carries it out in the rows, in the feed of changes and in the audit log.

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

/// A revocation of sessions of one user.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// The user.
    pub user: UserId,
    /// The sessions to revoke.
    pub selection: Selection,
    /// The reason, which is stored in the rows and in the audit log.
    pub reason: RevokeReason,
    /// Seconds for which the revocation is kept after the last access token of a session has expired.
    pub ttl: i64,
    /// The context of the request, with its time.
    pub context: RequestContext,
}

impl Revocation {
    /// Creates a revocation of sessions of `user`. Nothing is revoked before [`Revocation::carry_out`].
    pub fn new(
        vestibule: &Vestibule,
        user: UserId,
        selection: Selection,
        reason: RevokeReason,
        context: &RequestContext,
    ) -> Self {
        Self { user, selection, reason, ttl: vestibule.revocation_ttl(), context: context.clone() }
    }

    /// Revokes the sessions, announces this, and logs it. Returns the number of revoked sessions that were live.
    pub async fn carry_out(&self, tx: &mut Tx) -> store::Result<usize> {
        let Self { user, selection, reason, ttl: revocation_ttl, context } = self;
        let revoked = sessions::revoke(tx, *user, *selection, *reason, context.now).await?;
        for session in &revoked {
            // Within the grace, access tokens are issued without a write. So a token may expire later than the greatest `exp`
            // in the row.
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
/// for `revocation_ttl` seconds after `now`, or after the last access token of the user expires, whichever is later.
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

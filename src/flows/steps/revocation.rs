//! A revocation of sessions as a value. A transaction carries the revocation out: it changes the rows of the sessions, and
//! appends to the feed of changes and to the audit log.

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
    /// Seconds for which the revocation is kept after the latest `exp` in the row of a session.
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

    /// Revokes the selected sessions, announces each revocation to all processes, and inserts an audit event for each session.
    /// Returns the number of sessions that were live until now.
    pub async fn carry_out(&self, tx: &mut Tx) -> store::Result<usize> {
        let Self { user, selection, reason, ttl: revocation_ttl, context } = self;
        let revoked = sessions::revoke(tx, *user, *selection, *reason, context.now).await?;
        for session in &revoked {
            // Within the grace, access tokens are issued without a write. So a token may expire later than the latest `exp` in
            // the row. But it expires within the lifetime of an access token from now, and `revocation_ttl` includes this
            // lifetime.
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
/// for `revocation_ttl` seconds after `now`, or after the latest `exp` in the rows of the user's sessions, whichever is later.
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

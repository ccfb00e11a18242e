//! A revocation, as a value that a transaction carries out: in the rows, in the feed of changes, in the audit log.

use crate::{
    domain::{
        UnixTime, UserId,
        audit_event::{AuditEvent, Event, Origin},
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
    pub remember: i64,
    /// Who asked, and when.
    pub origin: Origin,
}

impl Revocation {
    /// Ends sessions of `user`.
    pub fn new(
        vestibule: &Vestibule,
        user: UserId,
        selection: Selection,
        reason: RevokeReason,
        origin: &Origin,
    ) -> Self {
        Self { user, selection, reason, remember: vestibule.remember(), origin: origin.clone() }
    }

    /// Ends the sessions. Returns the number of those that were live.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn carry_out(&self, tx: &mut Tx) -> store::Result<usize> {
        let Self { user, selection, reason, remember, origin } = self;
        let revoked = sessions::revoke(tx, *user, *selection, *reason, origin.now).await?;
        for session in &revoked {
            // Within the grace tokens are given out without a write, so the row's greatest `exp` may not be the last.
            let until = session.access_expires_at.max(origin.now).plus(*remember);
            tx.announce(Change::SessionRevoked(session.id), origin.now, until).await?;
            let event = if *reason == RevokeReason::Logout { Event::LoggedOut } else { Event::SessionRevoked };
            let event =
                AuditEvent::new(event, origin).user(*user).session(session.id).detail("reason", reason.as_str());
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
pub async fn outdate_access_tokens(
    tx: &mut Tx,
    remember: i64,
    user: UserId,
    version: i64,
    now: UnixTime,
) -> store::Result<()> {
    let given_out = sessions::latest_access_expiry(tx, Some(user)).await?.unwrap_or(now);
    let until = now.plus(remember).max(given_out.plus(remember));
    tx.announce(Change::AuthorizationVersion(user, version), now, until).await
}

//! End early: a session or its access tokens end before their time, as they would some day. It is for the workbench of the
//! profile `dev`, where a developer tries what a front end does then.

use crate::{
    domain::{
        SessionId,
        audit_event::RequestContext,
        session::{RevokeReason, SessionState},
    },
    flows::{
        Vestibule,
        steps::{acting::Acting, refresh_record, revocation::Revocation},
    },
    store::{self, session_counters, sessions},
};

/// How a session ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its access tokens have expired; a refresh succeeds.
    AccessExpires,
    /// The session has expired, as after a long absence.
    Expires,
    /// An administrator has ended the session.
    Revoked,
    /// A thief has used a refresh token that was replaced before.
    Reused,
}

/// An error of an early end. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EndEarlyError {
    /// There is no live session with this id.
    #[error("there is no live session {0}")]
    Unknown(SessionId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Lets a live session or its access tokens end. The access tokens that were issued until now, the present second included,
/// count as expired: the caller waits for the next second before it tells a client, so that a new token is not among them.
pub async fn end_early(
    vestibule: &Vestibule,
    id: SessionId,
    ending: Ending,
    context: &RequestContext,
) -> Result<(), EndEarlyError> {
    let now = context.now;
    let found = sessions::find(&mut *vestibule.store.read().await?, id).await?;
    let session = found.filter(|session| session.state(now) == SessionState::Live).ok_or(EndEarlyError::Unknown(id))?;
    match ending {
        Ending::AccessExpires => vestibule.early_expiries.expire(id, now.plus(1)),
        Ending::Expires => {
            vestibule.store.write(async move |tx| session_counters::expire(tx, id, now).await).await?;
            vestibule.early_expiries.expire(id, now.plus(1));
        }
        Ending::Revoked => {
            let (selection, reason) = (sessions::Selection::One(id), RevokeReason::RevokedByAdmin);
            let acting = Acting::operator(now);
            let revocation = Revocation::new(vestibule, session.user_id, selection, reason, &acting.context);
            vestibule.store.write(async move |tx| revocation.carry_out(tx).await).await?;
        }
        Ending::Reused => refresh_record::revoke_reused(vestibule, &session, context).await?,
    }
    Ok(())
}

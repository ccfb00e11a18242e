//! End early: a session or its access tokens end before their time, as they would some day. It is for the workbench of the
//! profile `dev`, where a developer tries what a front end does then.

use crate::{
    domain::{
        SessionId,
        audit_event::RequestContext,
        change::Change,
        session::{RevokeReason, Session, SessionState},
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

/// Lets a live session or its access tokens end. The access tokens that were issued until the end of the present second count
/// as expired. So the caller waits for the next second before it tells a client, and a new token is not among them. After a
/// restart of the server, these tokens count as revoked.
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
        Ending::AccessExpires | Ending::Expires => expire(vestibule, &session, ending, context).await?,
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

/// Lets the access tokens of a session expire, and also the session with [`Ending::Expires`].
async fn expire(
    vestibule: &Vestibule,
    session: &Session,
    ending: Ending,
    context: &RequestContext,
) -> Result<(), EndEarlyError> {
    let (id, now, ttl) = (session.id, context.now, vestibule.revocation_ttl());
    let is_live = vestibule
        .store
        .write(async move |tx| {
            let is_live = ending == Ending::AccessExpires || session_counters::expire(tx, id, now).await?;
            if is_live {
                tx.announce(Change::SessionTokensRevoked(id, now), now, now.plus(ttl)).await?;
            }
            Ok(is_live)
        })
        .await?;
    if !is_live {
        return Err(EndEarlyError::Unknown(id));
    }
    // The write may have waited into a later second, in which further tokens were issued.
    vestibule.early_expiries.expire(id, vestibule.clock.now().plus(1));
    Ok(())
}

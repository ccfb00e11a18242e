//! Revoke sessions: a user ends some or all of their own sessions, or an operator ends sessions of any user.

use crate::{
    domain::{
        AccessClaims, SessionId, TokenId, UserId, audit_event::RequestContext, refresh_token::RefreshTokenError,
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{
            acting::{Acting, TargetError},
            bearer::{Bearer, bearer_is_live, session_is_live},
            revocation::Revocation,
        },
    },
    store::{self, sessions},
};

/// A selection among the sessions of the bearer.
#[derive(Clone, Debug)]
pub enum OwnSessions<'r> {
    /// All sessions, the bearer's own session included.
    All,
    /// With `None`, all sessions except the bearer's own. With a refresh token, all sessions except the session of this token.
    Others(Option<&'r str>),
    /// This session.
    One(SessionId),
    /// The session whose refresh token has this `jti`. The token is the current token, or was superseded recently.
    ByTokenId(TokenId),
}

/// An error of the revocation of sessions.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The refresh token of the session to keep is not valid.
    #[error(transparent)]
    Token(#[from] RefreshTokenError),
    /// The refresh token of the session to keep belongs to another user.
    #[error("the session to keep is not the caller's")]
    NotOwn,
    /// There is no such live session of the bearer.
    #[error("no such session")]
    Unknown,
    /// The bearer's session is not valid any longer, or the session to keep is not live.
    #[error("session {0} has ended")]
    SessionEnded(SessionId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Revokes sessions of the bearer. Returns the number of revoked sessions that were live.
///
/// # Errors
/// [`RevokeError`]. Then no session was revoked. There is one exception: if the named session had expired, it is marked as
/// revoked, and the error is [`RevokeError::Unknown`].
pub async fn revoke_own(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    which: OwnSessions<'_>,
    context: &RequestContext,
) -> Result<usize, RevokeError> {
    let (selection, reason) = match which {
        OwnSessions::All => (sessions::Selection::All, RevokeReason::LogoutAll),
        OwnSessions::Others(None) => (sessions::Selection::AllExcept(bearer.sid), RevokeReason::RevokedByUser),
        OwnSessions::Others(Some(token)) => {
            let claims = vestibule.refresh_tokens.verify(token, context.now)?;
            if claims.sub != bearer.sub {
                return Err(RevokeError::NotOwn);
            }
            (sessions::Selection::AllExcept(claims.sid), RevokeReason::RevokedByUser)
        }
        OwnSessions::One(session) => (sessions::Selection::One(session), RevokeReason::RevokedByUser),
        OwnSessions::ByTokenId(id) => {
            let session = find_by_token_id(vestibule, bearer.sub, id, context).await?.ok_or(RevokeError::Unknown)?;
            (sessions::Selection::One(session), RevokeReason::RevokedByUser)
        }
    };
    let (asking, now) = (Bearer::of(bearer), context.now);
    let revocation = Revocation::new(vestibule, bearer.sub, selection, reason, context);
    let revoked = vestibule
        .store
        .write(async move |tx| {
            let asking_is_live = bearer_is_live(tx, asking, now).await?;
            // The session to keep must be live. Otherwise a request with the refresh token of an ended session would end all
            // sessions.
            let kept_is_live = match selection {
                sessions::Selection::AllExcept(kept) => session_is_live(tx, kept, now).await?,
                _ => true,
            };
            if !(asking_is_live && kept_is_live) {
                return Ok(None);
            }
            revocation.carry_out(tx).await.map(Some)
        })
        .await?;
    match (revoked, selection) {
        (None, _) => Err(RevokeError::SessionEnded(asking.session)),
        (Some(0), sessions::Selection::One(_)) => Err(RevokeError::Unknown),
        (Some(count), _) => Ok(count),
    }
}

/// Returns the live session of the user whose refresh token has this `jti`. Returns `None` if there is no such session.
async fn find_by_token_id(
    vestibule: &Vestibule,
    user: UserId,
    id: TokenId,
    context: &RequestContext,
) -> store::Result<Option<SessionId>> {
    let mut reader = vestibule.store.read().await?;
    let live = sessions::list_live_by_user(&mut reader, user, context.now).await?;
    Ok(live.into_iter().find(|session| vestibule.refresh_tokens.is_id_of(id, session)).map(|session| session.id))
}

/// An error of the revocation of somebody else's sessions. Nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeOfUserError {
    /// There is no such user, or the acting user may not revoke these sessions.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Revokes sessions of a user for somebody who administers. Returns the number of revoked sessions that were live.
pub async fn revoke_of_user(
    vestibule: &Vestibule,
    user: UserId,
    selection: sessions::Selection,
    acting: &Acting,
) -> Result<usize, RevokeOfUserError> {
    let revocation = Revocation::new(vestibule, user, selection, RevokeReason::RevokedByAdmin, &acting.context);
    let acting = acting.clone();
    vestibule
        .store
        .write(async move |tx| match acting.covered_user(tx, user).await? {
            Ok(_) => Ok(Ok(revocation.carry_out(tx).await?)),
            Err(error) => Ok(Err(error.into())),
        })
        .await?
}

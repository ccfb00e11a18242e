//! Revoke sessions: a person ends some or all of their own, an operator anybody's.

use crate::{
    domain::{
        AccessClaims, SessionId, TokenId, UserId, audit_event::RequestContext, refresh_token::RefreshTokenError,
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{
            bearer::{Bearer, bearer_is_live, session_is_live},
            revocation::Revocation,
        },
    },
    store::{self, sessions},
};

/// Which of one's own sessions to end.
#[derive(Clone, Debug)]
pub enum OwnSessions<'r> {
    /// Every one, this one too.
    All,
    /// Every one but the bearer's, or but the one whose refresh token is given.
    Others(Option<&'r str>),
    /// One of them.
    One(SessionId),
    /// The one whose current refresh token has this id.
    ByTokenId(TokenId),
}

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The token of the session to keep is not ours.
    #[error(transparent)]
    Token(#[from] RefreshTokenError),
    /// The token of the session to keep is somebody else's.
    #[error("the session to keep is not the caller's")]
    NotOwn,
    /// There is no such live session, or it is somebody else's.
    #[error("no such session")]
    Unknown,
    /// The session of the one who asked is over.
    #[error("session {0} is over")]
    SessionEnded(SessionId),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Ends sessions of the bearer. Returns how many of them were live.
///
/// # Errors
/// [`RevokeError`].
pub async fn revoke_own(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    which: OwnSessions<'_>,
    context: &RequestContext,
) -> Result<usize, RevokeError> {
    let (selection, reason) = match which {
        OwnSessions::All => (sessions::Selection::All, RevokeReason::LogoutAll),
        OwnSessions::Others(None) => (sessions::Selection::AllBut(bearer.sid), RevokeReason::RevokedByUser),
        OwnSessions::Others(Some(token)) => {
            let claims = vestibule.refresh_tokens.verify(token, context.now)?;
            if claims.sub != bearer.sub {
                return Err(RevokeError::NotOwn);
            }
            (sessions::Selection::AllBut(claims.sid), RevokeReason::RevokedByUser)
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
            // A session that is named to be kept must be there to be kept: else a token of a session that is over would end all.
            let kept_is_live = match selection {
                sessions::Selection::AllBut(kept) => session_is_live(tx, kept, now).await?,
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

/// Ends sessions of a user for an operator. Returns how many of them were live.
///
/// # Errors
/// [`store::Error`].
pub async fn revoke_of_user(
    vestibule: &Vestibule,
    user: UserId,
    selection: sessions::Selection,
    context: &RequestContext,
) -> store::Result<usize> {
    let revocation = Revocation::new(vestibule, user, selection, RevokeReason::RevokedByAdmin, context);
    vestibule.store.write(async move |tx| revocation.carry_out(tx).await).await
}

//! Somebody who administers, and the power that they have in a transaction.

use crate::{
    domain::{
        AccessClaims, SessionId, UnixTime, UserId,
        audit_event::RequestContext,
        power::{Power, PowerError, TokenRights},
    },
    flows::steps::bearer::{Bearer, bearer_is_live},
    store::{self, Tx, one_time_tokens::Creator, users},
};

/// Somebody who administers: the operator on the command line, or the bearer of an access token.
#[derive(Clone, Debug)]
pub struct Acting {
    /// The context of the request or command. It names the actor for the audit log.
    pub context: RequestContext,
    /// The claims of the access token; `None` for the operator.
    bearer: Option<Box<AccessClaims>>,
}

/// An error because of the acting user. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ActingError {
    /// The acting user's session has ended, the user was deleted or is disabled, or the authorization version has changed since
    /// the token was checked.
    #[error("session {0} has ended")]
    Ended(SessionId),
    /// The acting user lacks the power.
    #[error(transparent)]
    Power(#[from] PowerError),
}

impl Acting {
    /// Returns the operator, who has all power.
    pub fn operator(now: UnixTime) -> Self {
        Self { context: RequestContext::command_line(now), bearer: None }
    }

    /// Returns the bearer of an access token with these claims.
    pub fn bearer(claims: &AccessClaims, context: RequestContext) -> Self {
        Self { context: context.by(claims.sub), bearer: Some(Box::new(claims.clone())) }
    }

    /// Returns whether the operator acts.
    pub fn is_operator(&self) -> bool {
        self.bearer.is_none()
    }

    /// Returns whether the acting user is `user`.
    pub fn is(&self, user: UserId) -> bool {
        self.bearer.as_ref().is_some_and(|claims| claims.sub == user)
    }

    /// Returns who creates a link, if it is not the operator.
    pub(crate) fn creator(&self) -> Option<Creator> {
        self.bearer.as_ref().map(|claims| Creator { user: claims.sub, rights: TokenRights::of(claims) })
    }

    /// Returns the power in the transaction that changes something. So it sees every revocation and every loss of a right that
    /// was committed before.
    pub(crate) async fn power(&self, tx: &mut Tx) -> store::Result<Result<Power, ActingError>> {
        let Some(claims) = &self.bearer else { return Ok(Ok(Power::All)) };
        let ended = ActingError::Ended(claims.sid);
        if !bearer_is_live(tx, Bearer::of(claims), self.context.now).await? {
            return Ok(Err(ended));
        }
        Ok(users::find(tx, claims.sub).await?.map(|user| Power::of(&user, &TokenRights::of(claims))).ok_or(ended))
    }
}

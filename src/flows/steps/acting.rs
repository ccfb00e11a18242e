//! Somebody who administers, and the power that they have in a transaction.

use crate::{
    domain::{
        AccessClaims, SessionId, UnixTime, User, UserId,
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

/// An error because of the user on whose account somebody acts. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// There is no user with this id.
    #[error("there is no user {0}")]
    Unknown(UserId),
    /// The acting user may not act on the account.
    #[error(transparent)]
    Acting(#[from] ActingError),
}

impl From<PowerError> for TargetError {
    fn from(error: PowerError) -> Self {
        Self::Acting(error.into())
    }
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

    /// Returns the user with this id, if the acting user may act on the account: see [`Power::check_covers`]. As
    /// [`Acting::power`], it runs in the transaction that acts.
    pub(crate) async fn covered_user(&self, tx: &mut Tx, id: UserId) -> store::Result<Result<User, TargetError>> {
        let power = match self.power(tx).await? {
            Ok(power) => power,
            Err(ended) => return Ok(Err(ended.into())),
        };
        let Some(user) = users::find(tx, id).await? else { return Ok(Err(TargetError::Unknown(id))) };
        Ok(power.check_covers(&user).map(|()| user).map_err(TargetError::from))
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

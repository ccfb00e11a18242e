//! Delete user: deletes the account, its sessions and its devices. The audit log then contains no personal data of the user.

use crate::{
    domain::{
        AccessClaims, SessionId, UserId,
        audit_event::{AuditEvent, Event, RequestContext},
        change::DELETED_USER_VERSION,
        password::{Password, PasswordHash},
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{
            bearer::{Bearer, bearer_is_live, is_current_password},
            revocation::{Revocation, invalidate_access_tokens},
            role_members::is_last_admin,
            verify_password,
        },
    },
    store::{self, Tx, audit, sessions, users},
};

/// An error of the deletion of a user.
#[derive(Debug, thiserror::Error)]
pub enum DeleteUserError {
    /// The password was not proved.
    #[error(transparent)]
    Proof(#[from] verify_password::VerifyPasswordError),
    /// The user is the only admin who is not disabled.
    #[error("user {0} is the last admin")]
    LastAdmin(UserId),
    /// The bearer's session has ended, the user was deleted or is disabled, or the authorization version or the password has
    /// changed.
    #[error("session {0} has ended")]
    SessionEnded(SessionId),
    /// There is no user with this id.
    #[error("no user {0}")]
    Unknown(UserId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The outcome of the transaction.
#[derive(Clone, Copy)]
enum Deleted {
    Done,
    LastAdmin,
    SessionEnded,
    Unknown,
}

/// Verifies the password of the bearer and deletes their account.
pub async fn delete_own(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    password: &Password,
    context: &RequestContext,
) -> Result<(), DeleteUserError> {
    let matched_hash = verify_password::verify_password(vestibule, bearer, password, context).await?;
    delete(vestibule, bearer.sub, Some((Bearer::of(bearer), matched_hash)), context).await
}

/// Deletes a user on behalf of an operator. No password is verified.
pub async fn delete_user(vestibule: &Vestibule, user: UserId, context: &RequestContext) -> Result<(), DeleteUserError> {
    delete(vestibule, user, None, context).await
}

/// Deletes a user. If `bearer` is `Some`, the bearer must still be valid, and the stored hash must still be the hash that the
/// password matched.
async fn delete(
    vestibule: &Vestibule,
    user: UserId,
    bearer: Option<(Bearer, PasswordHash)>,
    context: &RequestContext,
) -> Result<(), DeleteUserError> {
    let (revocation_ttl, context) = (vestibule.revocation_ttl(), context.clone());
    let (session, proof) = (bearer.as_ref().map(|(bearer, _)| bearer.session), bearer);
    let deleted = vestibule
        .store
        .write(async move |tx| {
            if let Some((bearer, matched_hash)) = &proof
                && !(bearer_is_live(tx, *bearer, context.now).await?
                    && is_current_password(tx, user, matched_hash).await?)
            {
                return Ok(Deleted::SessionEnded);
            }
            erase(tx, user, revocation_ttl, &context).await
        })
        .await?;
    match (deleted, session) {
        (Deleted::Done, _) => Ok(()),
        (Deleted::LastAdmin, _) => Err(DeleteUserError::LastAdmin(user)),
        (Deleted::SessionEnded | Deleted::Unknown, Some(session)) => Err(DeleteUserError::SessionEnded(session)),
        (Deleted::SessionEnded | Deleted::Unknown, None) => Err(DeleteUserError::Unknown(user)),
    }
}

/// Revokes the sessions and access tokens of a user, deletes the account, and removes the user's data from the audit log.
async fn erase(tx: &mut Tx, id: UserId, revocation_ttl: i64, context: &RequestContext) -> store::Result<Deleted> {
    let Some(user) = users::find(tx, id).await? else { return Ok(Deleted::Unknown) };
    if is_last_admin(tx, &user).await? {
        return Ok(Deleted::LastAdmin);
    }
    let (selection, reason) = (sessions::Selection::All, RevokeReason::UserDeleted);
    Revocation { user: id, selection, reason, ttl: revocation_ttl, context: context.clone() }.carry_out(tx).await?;
    invalidate_access_tokens(tx, revocation_ttl, id, DELETED_USER_VERSION, context.now).await?;
    users::delete(tx, id).await?;
    audit::forget_user(tx, id).await?;
    // This event has neither user nor address, so that no personal data remains.
    let mut event = AuditEvent::new(Event::UserDeleted, context);
    event.ip = None;
    audit::insert(tx, &event).await?;
    Ok(Deleted::Done)
}

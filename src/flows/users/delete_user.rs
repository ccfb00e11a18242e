//! Delete user: deletes the account, its sessions and its devices. The audit log then contains no personal data of the user.

use crate::{
    domain::{AccessClaims, SessionId, User, UserId, audit_event::RequestContext, password::Password},
    flows::{
        Vestibule,
        steps::{
            acting::{Acting, TargetError},
            bearer::{Bearer, bearer_is_live, is_current_password},
            erase_account::erase_account,
            role_members::is_last_admin,
            verify_password,
        },
    },
    store::{self, Tx, users},
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
    /// There is no such user, or the acting user may not delete the account.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Verifies the password of the bearer and deletes their account.
pub async fn delete_own(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    password: &Password,
    context: &RequestContext,
) -> Result<(), DeleteUserError> {
    let matched_hash = verify_password::verify_password(vestibule, bearer, password, context).await?;
    let (user, revocation_ttl, context) = (bearer.sub, vestibule.revocation_ttl(), context.clone());
    let (bearer, name_hashes) = (Bearer::of(bearer), vestibule.name_hashes());
    let deleted = vestibule
        .store
        .write(async move |tx| {
            let ended = Err(DeleteUserError::SessionEnded(bearer.session));
            if !(bearer_is_live(tx, bearer, context.now).await? && is_current_password(tx, user, &matched_hash).await?)
            {
                return Ok(ended);
            }
            match users::find(tx, user).await? {
                Some(user) => erase(tx, &user, name_hashes(&user), revocation_ttl, &context).await,
                None => Ok(ended),
            }
        })
        .await?;
    leave_nothing(vestibule, deleted).await
}

/// Deletes a user on behalf of somebody who administers. No password is verified.
pub async fn delete_user(vestibule: &Vestibule, id: UserId, acting: &Acting) -> Result<(), DeleteUserError> {
    let (revocation_ttl, acting, name_hashes) = (vestibule.revocation_ttl(), acting.clone(), vestibule.name_hashes());
    let deleted = vestibule
        .store
        .write(async move |tx| match acting.covered_user(tx, id).await? {
            Ok(user) => erase(tx, &user, name_hashes(&user), revocation_ttl, &acting.context).await,
            Err(error) => Ok(Err(error.into())),
        })
        .await?;
    leave_nothing(vestibule, deleted).await
}

/// Empties the write-ahead log after a deletion: it contains the row as it was before.
async fn leave_nothing(vestibule: &Vestibule, deleted: Result<(), DeleteUserError>) -> Result<(), DeleteUserError> {
    if deleted.is_ok() {
        vestibule.store.fold_log().await;
    }
    deleted
}

/// Deletes an account, unless it is the last admin's.
async fn erase(
    tx: &mut Tx,
    user: &User,
    name_hashes: Vec<String>,
    revocation_ttl: i64,
    context: &RequestContext,
) -> store::Result<Result<(), DeleteUserError>> {
    let id = user.id;
    if is_last_admin(tx, user).await? {
        return Ok(Err(DeleteUserError::LastAdmin(id)));
    }
    erase_account(tx, id, &name_hashes, revocation_ttl, context).await.map(Ok)
}

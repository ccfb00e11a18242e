//! Delete user: account, sessions and devices go; the log forgets whom it spoke of.

use crate::{
    domain::{
        AccessClaims, SessionId, UserId,
        audit_event::{AuditEvent, Event, Origin},
        change::GONE,
        password::{Password, PasswordHash},
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{
            bearer::{Bearer, bearer_is_live, is_password},
            members::is_last_admin,
            proof,
            revocation::{Revocation, outdate_access_tokens},
        },
    },
    store::{self, Tx, audit, sessions, users},
};

/// Why the user stays.
#[derive(Debug, thiserror::Error)]
pub enum DeleteUserError {
    /// The password was not proved.
    #[error(transparent)]
    Proof(#[from] proof::ProofError),
    /// Nobody else has the role `admin`.
    #[error("user {0} is the last admin")]
    LastAdmin(UserId),
    /// The session of the one who asked is over.
    #[error("session {0} is over")]
    Over(SessionId),
    /// There is no such user.
    #[error("no user {0}")]
    Unknown(UserId),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// How the transaction can end.
#[derive(Clone, Copy)]
enum Deleted {
    Done,
    LastAdmin,
    Over,
    Unknown,
}

/// Deletes the bearer, who proves their password.
///
/// # Errors
/// [`DeleteUserError`].
pub async fn delete_own(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    password: &Password,
    origin: &Origin,
) -> Result<(), DeleteUserError> {
    let proved = proof::prove_password(vestibule, bearer, password, origin).await?;
    delete(vestibule, bearer.sub, Some((Bearer::of(bearer), proved)), origin).await
}

/// Deletes a user on an operator's word.
///
/// # Errors
/// [`DeleteUserError`].
pub async fn delete_user(vestibule: &Vestibule, user: UserId, origin: &Origin) -> Result<(), DeleteUserError> {
    delete(vestibule, user, None, origin).await
}

async fn delete(
    vestibule: &Vestibule,
    user: UserId,
    asking: Option<(Bearer, PasswordHash)>,
    origin: &Origin,
) -> Result<(), DeleteUserError> {
    let (remember, origin) = (vestibule.remember(), origin.clone());
    let (session, proof) = (asking.as_ref().map(|(bearer, _)| bearer.session), asking);
    let deleted = vestibule
        .store
        .write(async move |tx| {
            if let Some((bearer, proved)) = &proof
                && !(bearer_is_live(tx, *bearer, origin.now).await? && is_password(tx, user, proved).await?)
            {
                return Ok(Deleted::Over);
            }
            erase(tx, user, remember, &origin).await
        })
        .await?;
    match (deleted, session) {
        (Deleted::Done, _) => Ok(()),
        (Deleted::LastAdmin, _) => Err(DeleteUserError::LastAdmin(user)),
        (Deleted::Over | Deleted::Unknown, Some(session)) => Err(DeleteUserError::Over(session)),
        (Deleted::Over | Deleted::Unknown, None) => Err(DeleteUserError::Unknown(user)),
    }
}

async fn erase(tx: &mut Tx, id: UserId, remember: i64, origin: &Origin) -> store::Result<Deleted> {
    let Some(user) = users::find(tx, id).await? else { return Ok(Deleted::Unknown) };
    if is_last_admin(tx, &user).await? {
        return Ok(Deleted::LastAdmin);
    }
    let (selection, reason) = (sessions::Selection::All, RevokeReason::UserDeleted);
    Revocation { user: id, selection, reason, remember, origin: origin.clone() }.carry_out(tx).await?;
    outdate_access_tokens(tx, remember, id, GONE, origin.now).await?;
    users::delete(tx, id).await?;
    audit::forget_user(tx, id).await?;
    let mut event = AuditEvent::new(Event::UserDeleted, origin);
    event.ip = None;
    audit::insert(tx, &event).await?;
    Ok(Deleted::Done)
}

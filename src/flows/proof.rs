//! The step that `/fresh`, a password change and a deletion share: a signed-in person proves their password.
//!
//! Wrong ones count against the account like those at login, and five in a row end the session.

use super::Vestibule;
use crate::{
    domain::{
        AccessClaims, SessionId, UserId,
        audit_event::{AuditEvent, Event, Origin},
        password::{Password, PasswordHash},
        session::{MAX_FAILED_PROOFS, RevokeReason},
    },
    memory::{
        hasher::{HashError, Verdict},
        throttle::{Account, RetryAfter},
    },
    store::{self, audit, sessions, users},
};

/// Why a password was not proved.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// Another password.
    #[error("wrong password in session {0}")]
    Wrong(SessionId),
    /// Too many wrong ones for the account.
    #[error("too many attempts")]
    TooMany(RetryAfter),
    /// The password could not be compared.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Compares a password with that of the bearer; the stored form that it fits.
///
/// # Errors
/// [`ProofError`].
pub(super) async fn prove_password(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    password: &Password,
    origin: &Origin,
) -> Result<PasswordHash, ProofError> {
    let account = Account::Anywhere(vestibule.account_key(bearer.sub));
    vestibule.throttle.failures.take(&account).map_err(ProofError::TooMany)?;
    let compared = compare(vestibule, bearer.sub, password).await;
    match compared {
        Ok(Some(stored)) => {
            vestibule.throttle.failures.give_back(&account);
            Ok(stored)
        }
        Ok(None) => {
            count_failure(vestibule, bearer.sid, bearer.sub, origin).await?;
            Err(ProofError::Wrong(bearer.sid))
        }
        Err(error) => {
            vestibule.throttle.failures.give_back(&account);
            Err(error)
        }
    }
}

pub(super) async fn compare(
    vestibule: &Vestibule,
    user: UserId,
    password: &Password,
) -> Result<Option<PasswordHash>, ProofError> {
    let mut reader = vestibule.store.read().await?;
    let stored = users::find_password(&mut reader, user).await?;
    // No connection is held while the password is hashed.
    drop(reader);
    let verdict = vestibule.hasher.verify(password, stored.clone()).await?;
    Ok(stored.filter(|_| verdict != Verdict::Wrong))
}

async fn count_failure(vestibule: &Vestibule, id: SessionId, user: UserId, origin: &Origin) -> store::Result<()> {
    let (leeway, origin) = (vestibule.config.tokens.leeway.seconds(), origin.clone());
    vestibule
        .store
        .write(async move |tx| {
            let in_a_row = sessions::count_failed_proof(tx, id).await?;
            let event = AuditEvent::new(Event::ReauthenticationFailed, &origin).user(user).session(id);
            audit::insert(tx, &event).await?;
            if in_a_row.is_some_and(|count| count >= MAX_FAILED_PROOFS) {
                let one = sessions::Selection::One(id);
                Vestibule::revoke(tx, leeway, user, one, RevokeReason::WrongPasswords, &origin).await?;
            }
            Ok(())
        })
        .await
}

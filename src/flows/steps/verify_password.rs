//! The step in which a signed-in user proves their password. The reauthentication (`/fresh`), the change of the password and
//! the deletion of the account share this step.
//!
//! A wrong password counts against the username and the email address of the user, in the limit that also counts the wrong
//! passwords of logins. Five wrong passwords in a row end the session. The proofs of one session are compared one after the
//! other. If they were compared in parallel, all of them could be compared before the first failure is counted.

use super::{past_limit, revocation::Revocation};
use crate::{
    domain::{
        AccessClaims, Email, SessionId, User, UserId, Username,
        audit_event::{AuditEvent, Event, RequestContext},
        password::Password,
        password_hash::PasswordHash,
        session::{MAX_FAILED_PROOFS, RevokeReason, SessionState},
    },
    flows::Vestibule,
    memory::{
        hasher::{HashError, PasswordCheck},
        throttle::{PastLimit, RetryAfter},
    },
    store::{self, audit, session_counters, sessions, users},
};

/// An error of the proof of a password.
#[derive(Debug, thiserror::Error)]
pub enum VerifyPasswordError {
    /// The session or its user does not exist any longer, or the session is not live.
    #[error("session {0} has ended")]
    SessionEnded(SessionId),
    /// The password is wrong.
    #[error("wrong password in session {0}")]
    Wrong(SessionId),
    /// There were too many wrong passwords for one of the user's names, or too many actions of the user. Contains the time
    /// after which the client may try again.
    #[error("too many attempts")]
    TooMany(RetryAfter),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Verifies the password of the bearer. Returns the stored hash that the password matched. A wrong password is counted, and the
/// fifth in a row revokes the session.
pub(in crate::flows) async fn verify_password(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    password: &Password,
    context: &RequestContext,
) -> Result<PasswordHash, VerifyPasswordError> {
    if let Err(wait) = vestibule.throttle.actions.take(&bearer.sub) {
        past_limit::record_action(vestibule, bearer.sub, context).await?;
        return Err(VerifyPasswordError::TooMany(wait));
    }
    let _lock = vestibule.throttle.proofs.lock_key(bearer.sid).await;
    let mut reader = vestibule.store.read().await?;
    let session = sessions::find(&mut reader, bearer.sid).await?;
    let user = users::find(&mut reader, bearer.sub).await?;
    drop(reader);
    let ended = || VerifyPasswordError::SessionEnded(bearer.sid);
    let session = session.filter(|session| session.state(context.now) == SessionState::Live).ok_or_else(ended)?;
    let names = lookup_keys(&user.ok_or_else(ended)?);
    let typed = |device| names.iter().map(|name| vestibule.typed_name(name, device)).collect::<Vec<_>>();
    // A signed-in device has an allowance of its own, so that a stranger's guesses at the login do not block this device.
    let own = typed(session.device);
    let attempt = match vestibule.throttle.failures.begin(&own).await {
        Ok(attempt) => attempt,
        Err(wait) => {
            if let Some(name) = own.into_iter().next() {
                let refused = PastLimit::LoginsOfName(name, None);
                let event =
                    AuditEvent::new(Event::ReauthenticationFailed, context).user(bearer.sub).session(bearer.sid);
                past_limit::record(vestibule, &refused, || event).await?;
            }
            return Err(VerifyPasswordError::TooMany(wait));
        }
    };
    match find_matching_hash(vestibule, bearer.sub, password).await {
        Ok(None) => {
            attempt.failed();
            // `attempt` counts on this device only. The failure also counts against the names without a device.
            if session.device.is_some() {
                typed(None).iter().for_each(|name| vestibule.throttle.failures.count(name));
            }
            count_failure(vestibule, bearer.sid, bearer.sub, context).await?;
            Err(VerifyPasswordError::Wrong(bearer.sid))
        }
        Ok(Some(stored)) => Ok(stored),
        Err(error) => Err(error),
    }
}

/// Returns the lookup keys of the user's username and email address, whichever are set.
fn lookup_keys(user: &User) -> Vec<String> {
    // A stored name may be invalid under the present rules. Then its text is the key.
    let of_username =
        |text: &str| Username::of_account(text).map_or_else(|_| text.to_owned(), |name| name.key().to_owned());
    let of_email = |text: &str| Email::parse(text).map_or_else(|_| text.to_owned(), |email| email.key().to_owned());
    user.username.as_deref().map(of_username).into_iter().chain(user.email.as_deref().map(of_email)).collect()
}

/// Returns the stored hash of a user's password if `password` matches it. Returns `None` if it does not match, or if the user
/// has no password.
pub async fn find_matching_hash(
    vestibule: &Vestibule,
    user: UserId,
    password: &Password,
) -> Result<Option<PasswordHash>, VerifyPasswordError> {
    let mut reader = vestibule.store.read().await?;
    let stored = users::find_password_hash(&mut reader, user).await?;
    // No database connection is kept while the password is hashed.
    drop(reader);
    let verdict = vestibule.hasher.verify(password, stored.clone()).await?;
    Ok(stored.filter(|_| verdict != PasswordCheck::Wrong))
}

/// Counts a wrong password in the session and inserts an audit event. Revokes the session after [`MAX_FAILED_PROOFS`] wrong
/// passwords in a row.
async fn count_failure(
    vestibule: &Vestibule,
    id: SessionId,
    user: UserId,
    context: &RequestContext,
) -> store::Result<()> {
    let event = AuditEvent::new(Event::ReauthenticationFailed, context).user(user).session(id);
    let one = sessions::Selection::One(id);
    let revocation = Revocation::new(vestibule, user, one, RevokeReason::WrongPasswords, context);
    vestibule
        .store
        .write(async move |tx| {
            let in_a_row = session_counters::count_failed_proof(tx, id).await?;
            audit::insert(tx, &event).await?;
            if in_a_row.is_some_and(|count| count >= MAX_FAILED_PROOFS) {
                revocation.carry_out(tx).await?;
            }
            Ok(())
        })
        .await
}

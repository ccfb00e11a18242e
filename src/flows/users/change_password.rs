//! Change password: the bearer replaces their password. The bearer's session continues with new tokens, and all other sessions
//! of the user are revoked.

use crate::{
    domain::{
        AccessClaims, SessionId,
        audit_event::{AuditEvent, Event, RequestContext},
        password::Password,
        session::RevokeReason,
    },
    flows::{
        Tokens, Vestibule,
        steps::{
            bearer::{Bearer, bearer_is_live, is_current_password},
            grants::access_expiry,
            revocation::{Revocation, invalidate_access_tokens},
            verify_password,
        },
    },
    memory::hasher::HashError,
    store::{self, audit, sessions, users},
};

/// An error of a change of the password.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The current password was not proved.
    #[error(transparent)]
    Proof(#[from] verify_password::VerifyPasswordError),
    /// The new password is not acceptable. Contains the end of a sentence about it.
    #[error("the new password {0}")]
    Unsuitable(String),
    /// The session has ended, the user was deleted or is disabled, or the authorization version or the password has changed
    /// in the meantime.
    #[error("session {0} has ended")]
    SessionEnded(SessionId),
    /// The new password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Verifies the current password of the bearer and replaces it. Returns new tokens for the bearer's session. All earlier access
/// tokens of the user become invalid.
pub async fn change_password(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    current: &Password,
    new: &Password,
    context: &RequestContext,
) -> Result<Tokens, ChangePasswordError> {
    let ended = || ChangePasswordError::SessionEnded(bearer.sid);
    let client = vestibule.clients.get(&bearer.client_id).ok_or_else(ended)?.clone();
    let mut reader = vestibule.store.read().await?;
    let user = users::find(&mut reader, bearer.sub).await?.ok_or_else(ended)?;
    drop(reader);
    let matched_hash = verify_password::verify_password(vestibule, bearer, current, context).await?;
    vestibule.check_new_password(new, &user).await?.map_err(ChangePasswordError::Unsuitable)?;
    let hash = vestibule.hasher.hash(new).await?;

    let (id, user_id, now) = (bearer.sid, bearer.sub, context.now);
    let revocation_ttl = vestibule.revocation_ttl();
    let others = sessions::Selection::AllExcept(id);
    let revocation = Revocation::new(vestibule, user_id, others, RevokeReason::PasswordChanged, context);
    let audience = bearer.aud.clone();
    let (bearer, lifetimes, context) = (Bearer::of(bearer), client.clone(), context.clone());
    let changed = vestibule
        .store
        .write(async move |tx| {
            if !(bearer_is_live(tx, bearer, now).await? && is_current_password(tx, user_id, &matched_hash).await?) {
                return Ok(None);
            }
            let Some(session) = sessions::find(tx, id).await? else { return Ok(None) };
            users::set_password_hash(tx, user_id, &hash, now).await?;
            let version = users::raise_authorization_version(tx, user_id).await?;
            invalidate_access_tokens(tx, revocation_ttl, user_id, version, now).await?;
            revocation.carry_out(tx).await?;
            // The new generation has no grace. A copy of an earlier refresh token of this session is refused, even within the
            // grace (ASVS 5.0 V7.4.3, RFC 9700 §4.14.2).
            let current = session.generations.current();
            let mut next = session;
            next.generations = next.generations.after_password_change(now);
            next.last_used_at = now;
            next.auth_time = now;
            next.refresh_expires_at = now.plus(lifetimes.refresh_token_lifetime.seconds()).min(next.expires_at);
            next.access_expires_at = access_expiry(&next, &lifetimes, now);
            // The row was read in this transaction, so it is still at `current`. `claim` does not write `auth_time`;
            // `record_proof` does.
            sessions::claim(tx, current, &next).await?;
            sessions::record_proof(tx, id, now, next.access_expires_at).await?;
            audit::insert(tx, &AuditEvent::new(Event::PasswordChanged, &context).user(user_id).session(id)).await?;
            Ok(users::find(tx, user_id).await?.map(|user| (next, user)))
        })
        .await?;
    let (session, user) = changed.ok_or_else(ended)?;
    Ok(vestibule.tokens(None, &audience, &user, &session, &client, true, now))
}

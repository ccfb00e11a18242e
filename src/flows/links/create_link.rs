//! Create link: somebody who administers creates a link with which a user chooses a first password or a new one.

use crate::{
    domain::{
        UnixTime, UserId,
        audit_event::{AuditEvent, Event},
        one_time::{LinkPurpose, LinkSecret},
    },
    flows::{
        Vestibule,
        steps::{
            acting::{Acting, TargetError},
            public_address,
        },
    },
    random,
    store::{self, audit, one_time_tokens, users},
};

/// A link that was created. Nothing else contains its secret.
#[derive(Debug)]
pub struct CreatedLink {
    /// The URL.
    pub url: String,
    /// The time from which the link does not work any longer.
    pub expires_at: UnixTime,
}

/// An error of the creation of a link. Earlier links of the user still work.
#[derive(Debug, thiserror::Error)]
pub enum CreateLinkError {
    /// There is no such user, or the acting user may not create the link.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The user is disabled, and could not sign in with the password.
    #[error("the user is disabled; enable the user first")]
    Disabled,
    /// The user has a password already, and needs no invitation.
    #[error("the user has a password; a link to choose a new one is a reset")]
    HasPassword,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Creates a link for a user. It works once, until it expires, and until the password, the address or the state
/// of the account changes or a newer link is created. It works only while its creator could still create it.
pub async fn create_link(
    vestibule: &Vestibule,
    id: UserId,
    purpose: LinkPurpose,
    acting: &Acting,
) -> Result<CreatedLink, CreateLinkError> {
    let secret = LinkSecret::from_bytes(random::bytes());
    let (hash, acting) = (secret.hash(), acting.clone());
    let expires_at = vestibule
        .store
        .write(async move |tx| {
            // The holder of the link can sign in as the user.
            let user = match acting.covered_user(tx, id).await? {
                Ok(user) => user,
                Err(error) => return Ok(Err(error.into())),
            };
            if user.disabled_at.is_some() {
                return Ok(Err(CreateLinkError::Disabled));
            }
            if purpose == LinkPurpose::Invite && users::find_password_hash(tx, id).await?.is_some() {
                return Ok(Err(CreateLinkError::HasPassword));
            }
            let now = acting.context.now;
            let expires_at = one_time_tokens::insert(tx, &hash, purpose, Some((id, acting.creator())), now).await?;
            let event = AuditEvent::new(Event::LinkCreated, &acting.context).user(id);
            audit::insert(tx, &event.detail("purpose", purpose.as_str())).await?;
            Ok(Ok(expires_at))
        })
        .await??;
    let address = public_address::find(vestibule, &mut *vestibule.store.read().await?).await?;
    let url = format!("{address}/link?token={}", secret.reveal());
    Ok(CreatedLink { url, expires_at })
}

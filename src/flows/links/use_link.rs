//! Use link: the holder of a link chooses a password. Every session of the user ends.

use crate::{
    domain::{
        UnixTime, User,
        audit_event::{AuditEvent, Event, RequestContext},
        one_time::{LinkPurpose, LinkSecret},
        password::Password,
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{
            link::{LinkError, find_usable},
            revocation::{Revocation, invalidate_access_tokens},
        },
    },
    memory::{metrics::LimitReached, throttle::Network},
    store::{audit, one_time_tokens, sessions::Selection, users},
};

/// Returns the user of a link that works at `now`, without using it.
pub async fn inspect_link(
    vestibule: &Vestibule,
    secret: &LinkSecret,
    now: UnixTime,
) -> Result<(LinkPurpose, User), LinkError> {
    let mut reader = vestibule.store.read().await?;
    let link = find_usable(&mut reader, secret, now).await?.ok_or(LinkError::Void)?;
    let user = users::find(&mut reader, link.user.ok_or(LinkError::Void)?).await?.ok_or(LinkError::Void)?;
    Ok((link.purpose, user))
}

/// Sets the password of the user of a link, and ends every session of the user. Of several concurrent uses, one succeeds.
/// `network` is the key of the limit by IP address; if it is `None`, this limit does not apply.
pub async fn use_link(
    vestibule: &Vestibule,
    secret: &LinkSecret,
    password: &Password,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<User, LinkError> {
    if let Some(network) = network {
        let permitted = vestibule.throttle.estimates.take(&network);
        permitted
            .inspect_err(|_| vestibule.metrics.limited.count(LimitReached::RegisterRate))
            .map_err(LinkError::TooMany)?;
    }
    let (purpose, user) = inspect_link(vestibule, secret, context.now).await?;
    vestibule.check_new_password(password, &user).await?.map_err(LinkError::Unsuitable)?;
    let new = vestibule.hasher.hash(password).await?;
    let (id, secret, context) = (user.id, secret.clone(), context.clone());
    let revocation_ttl = vestibule.revocation_ttl();
    let revocation = Revocation::new(vestibule, id, Selection::All, RevokeReason::PasswordChanged, &context);
    let used = vestibule
        .store
        .write(async move |tx| {
            if find_usable(tx, &secret, context.now).await?.is_none() {
                return Ok(false);
            }
            one_time_tokens::claim(tx, &secret.hash(), context.now).await?;
            users::set_password_hash(tx, id, &new, context.now).await?;
            let version = users::raise_authorization_version(tx, id).await?;
            invalidate_access_tokens(tx, revocation_ttl, id, version, context.now).await?;
            revocation.carry_out(tx).await?;
            let event = AuditEvent::new(Event::LinkUsed, &context).user(id);
            audit::insert(tx, &event.detail("purpose", purpose.as_str())).await?;
            Ok(true)
        })
        .await?;
    if used { Ok(user) } else { Err(LinkError::Void) }
}

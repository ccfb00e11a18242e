//! Set up: while there is no admin who can sign in, a link makes the first one.

use crate::{
    domain::{
        Email, RoleName, UserId, Username,
        audit_event::{AuditEvent, Event, RequestContext},
        one_time::{LinkPurpose, LinkSecret},
        password::Password,
        permission::ADMIN_ROLE,
    },
    flows::{
        Vestibule,
        steps::link::{LinkError, find_usable},
    },
    memory::{metrics::LimitReached, throttle::Network},
    random,
    store::{self, audit, one_time_tokens, roles, users},
};

/// The account of the first admin.
#[derive(Debug)]
pub struct FirstAdmin {
    /// The username.
    pub username: Option<Username>,
    /// The email address.
    pub email: Option<Email>,
    /// The password.
    pub password: Password,
}

/// An error of the set-up. Nothing was created, and the link still works, if it worked before.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The link does not work, or the password is not acceptable.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Another user has the username or the email address.
    #[error("the {} is taken by another user", .0.field())]
    Taken(users::TakenName),
}

impl From<store::Error> for SetUpError {
    fn from(error: store::Error) -> Self {
        Self::Link(error.into())
    }
}

/// Returns whether there is no admin who can sign in.
pub async fn needs_admin(vestibule: &Vestibule) -> store::Result<bool> {
    Ok(roles::count_admins(&mut *vestibule.store.read().await?).await? == 0)
}

/// Creates the link for the first admin, and voids an earlier one. Returns its URL.
pub async fn create_setup_link(vestibule: &Vestibule) -> store::Result<String> {
    let secret = LinkSecret::from_bytes(random::bytes());
    let (hash, now) = (secret.hash(), vestibule.clock.now());
    vestibule
        .store
        .write(async move |tx| one_time_tokens::insert(tx, &hash, LinkPurpose::Setup, None, now).await.map(drop))
        .await?;
    Ok(format!("{}/setup?token={}", vestibule.config.web.public_url.as_str(), secret.reveal()))
}

/// Checks that a set-up link works now, without using it.
pub async fn inspect_setup_link(
    vestibule: &Vestibule,
    secret: &LinkSecret,
    context: &RequestContext,
) -> Result<(), LinkError> {
    let mut reader = vestibule.store.read().await?;
    let link = find_usable(&mut reader, secret, context.now).await?;
    if link.is_some_and(|link| link.purpose == LinkPurpose::Setup) && roles::count_admins(&mut reader).await? == 0 {
        Ok(())
    } else {
        Err(LinkError::Void)
    }
}

/// Creates the first admin. Of several concurrent uses, one succeeds. `network` is the key of the limit by IP address.
pub async fn set_up(
    vestibule: &Vestibule,
    secret: &LinkSecret,
    admin: FirstAdmin,
    network: Option<Network>,
    context: &RequestContext,
) -> Result<(), SetUpError> {
    if let Some(network) = network {
        let permitted = vestibule.throttle.estimates.take(&network);
        permitted
            .inspect_err(|_| vestibule.metrics.limited.count(LimitReached::RegisterRate))
            .map_err(LinkError::TooMany)?;
    }
    inspect_setup_link(vestibule, secret, context).await?;
    let names = [admin.username.as_ref().map(Username::as_str), admin.email.as_ref().map(Email::as_str)];
    let names = names.into_iter().flatten().map(str::to_owned).collect();
    let min_length = vestibule.config.passwords.min_length;
    let judged = vestibule.hasher.check_new(&admin.password, min_length, names).await.map_err(LinkError::Hash)?;
    judged.map_err(LinkError::Unsuitable)?;
    let password = vestibule.hasher.hash(&admin.password).await.map_err(LinkError::Hash)?;
    let (secret, context) = (secret.clone(), context.clone());
    let id = UserId::new(context.now, random::bytes());
    let row = users::NewUser { id, username: admin.username, email: admin.email, created_at: context.now };
    vestibule
        .store
        .write(async move |tx| {
            let link = find_usable(tx, &secret, context.now).await?;
            if link.is_none_or(|link| link.purpose != LinkPurpose::Setup) || roles::count_admins(tx).await? > 0 {
                return Ok(Err(LinkError::Void.into()));
            }
            // The account is inserted first, so that a taken name does not use the link up.
            if let Err(taken) = users::insert(tx, &row).await? {
                return Ok(Err(SetUpError::Taken(taken)));
            }
            one_time_tokens::claim(tx, &secret.hash(), context.now).await?;
            users::set_password_hash(tx, id, &password, context.now).await?;
            roles::set_of_user(tx, id, &[RoleName::admin()]).await?;
            let event = AuditEvent::new(Event::UserAdded, &context).user(id).detail("by", LinkPurpose::Setup.as_str());
            audit::insert(tx, &event.detail("roles", vec![ADMIN_ROLE])).await?;
            Ok(Ok(()))
        })
        .await?
}

//! The user of a login, as it is read before the password is compared, and the comparison.

use crate::{
    config::{Client, UsernameField},
    domain::{
        DeviceRowId, Identifier, User,
        audit_event::{AuditEvent, Event, RequestContext},
        device::DeviceSecret,
        password::Password,
        password_hash::PasswordHash,
    },
    flows::Vestibule,
    memory::hasher::{HashError, PasswordCheck},
    store::{self, devices, users},
};

/// The user with the typed name, the stored hash of the user's password, and the known device of the request.
pub struct Candidate {
    /// The user.
    pub user: User,
    /// The stored hash of the password. `None` if the user has none.
    pub password: Option<PasswordHash>,
    /// The known device of the request.
    pub device: Option<DeviceRowId>,
}

/// Returns whether users sign in by this kind of name. A name of another kind is treated as unknown.
fn signs_in_by(field: UsernameField, identifier: &Identifier) -> bool {
    match (field, identifier) {
        (UsernameField::Username, Identifier::Email(_)) | (UsernameField::Email, Identifier::Username(_)) => false,
        (UsernameField::Username | UsernameField::Email | UsernameField::Either, _) => true,
    }
}

/// Reads the user with the typed name, the hash of the user's password, and the device to which a presented `device_id`
/// belongs. Returns `None` if no user can sign in with this name.
pub async fn identify(
    vestibule: &Vestibule,
    identifier: &Identifier,
    device_ids: &[DeviceSecret],
    client: &Client,
) -> store::Result<Option<Candidate>> {
    if !signs_in_by(vestibule.config.passwords.username_field, identifier) {
        return Ok(None);
    }
    let mut reader = vestibule.store.read().await?;
    let Some(user) = users::find_by_identifier(&mut reader, identifier).await? else { return Ok(None) };
    let password = users::find_password_hash(&mut reader, user.id).await?;
    let mut device = None;
    for secret in device_ids {
        if device.is_none() {
            let hash = vestibule.device_secret_hash(secret);
            device = devices::find_id_by_secret_hash(&mut reader, user.id, &client.id, &hash).await?;
        }
    }
    Ok(Some(Candidate { user, password, device }))
}

/// Returns the audit event of a failed login.
pub fn failure(
    vestibule: &Vestibule,
    candidate: Option<&Candidate>,
    identifier: &Identifier,
    context: &RequestContext,
) -> AuditEvent {
    let event = AuditEvent::new(Event::LoginFailed, context);
    match candidate {
        Some(candidate) => event.user(candidate.user.id),
        // Users sometimes type their password into the field for the name. So only a keyed hash of the text is stored.
        None => event.detail("name_hash", vestibule.name_hash(identifier)),
    }
}

/// The stored hash that the password matched, and a new hash if the stored hash has outdated parameters.
pub struct VerifiedPassword {
    /// The stored hash.
    pub stored: PasswordHash,
    /// The new hash.
    pub renewed: Option<PasswordHash>,
}

/// Verifies a password. Always computes one hash, and a second hash if the password is right but its stored hash is outdated.
/// Returns `None` if the password is wrong, or if there is no user or no stored hash.
pub async fn verify_password(
    vestibule: &Vestibule,
    password: &Password,
    candidate: &Option<Candidate>,
) -> Result<Option<VerifiedPassword>, HashError> {
    let stored = candidate.as_ref().and_then(|candidate| candidate.password.clone());
    let verdict = vestibule.hasher.verify(password, stored.clone()).await?;
    let (Some(stored), PasswordCheck::Correct | PasswordCheck::CorrectButOutdated) = (stored, verdict) else {
        return Ok(None);
    };
    let renewed = match verdict {
        PasswordCheck::CorrectButOutdated => Some(vestibule.hasher.hash(password).await?),
        PasswordCheck::Correct | PasswordCheck::Wrong => None,
    };
    Ok(Some(VerifiedPassword { stored, renewed }))
}

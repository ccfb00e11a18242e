//! The user of a login, as it is read before the password is compared.

use crate::{
    config::{Client, UsernameField},
    domain::{DeviceRowId, Identifier, User, device::DeviceSecret, password_hash::PasswordHash},
    flows::Vestibule,
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

//! Export user: all that is stored about a person, for the person (GDPR Art. 15 and 20).

use crate::{
    domain::{User, UserId, session::Session},
    flows::Vestibule,
    store::{self, audit, devices, sessions, users},
};

/// What is stored about one user.
pub struct Export {
    /// The account.
    pub user: User,
    /// Sessions, ended ones too while they are kept.
    pub sessions: Vec<Session>,
    /// Devices.
    pub devices: Vec<devices::Device>,
    /// The log, newest first.
    pub audit_events: Vec<audit::StoredEvent>,
}

/// Gathers it; none where there is no such user.
///
/// # Errors
/// [`store::Error`].
pub async fn export_user(vestibule: &Vestibule, id: UserId) -> store::Result<Option<Export>> {
    let mut reader = vestibule.store.read().await?;
    let Some(user) = users::find(&mut reader, id).await? else { return Ok(None) };
    Ok(Some(Export {
        user,
        sessions: sessions::list_by_user(&mut reader, id).await?,
        devices: devices::list_by_user(&mut reader, id).await?,
        audit_events: audit::list_by_user(&mut reader, id).await?,
    }))
}

//! Export user: collects all stored data about a user, for the user (GDPR Art. 15 and 20).

use crate::{
    domain::{User, UserId, session::Session},
    flows::Vestibule,
    store::{self, audit, devices, sessions, users},
};

/// All stored data about a user.
pub struct Export {
    /// The account.
    pub user: User,
    /// The sessions. Ended sessions are included until they are deleted.
    pub sessions: Vec<Session>,
    /// The devices.
    pub devices: Vec<devices::Device>,
    /// The user's audit events, newest first.
    pub audit_events: Vec<audit::StoredEvent>,
}

/// Reads the stored data about a user. Returns `None` if there is no user with this id.
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

//! Remove client: somebody who administers removes a client that was made at run time. Its sessions end, so that a later client
//! with the same id does not revive them.

use crate::{
    domain::{
        audit_event::{AuditEvent, Event},
        session::RevokeReason,
    },
    flows::{
        Vestibule,
        steps::{
            acting::Acting,
            client_registry::{self, StoredClientError},
            revocation::Revocation,
        },
    },
    store::{audit, clients, sessions::Selection},
};

/// Removes a client, and revokes its sessions. Returns the number of sessions that were live.
pub async fn remove_client(vestibule: &Vestibule, id: &str, acting: &Acting) -> Result<usize, StoredClientError> {
    // A client of both places is removed from the database: this is how the conflict ends.
    let is_configured = vestibule.config.clients.get(id).is_some();
    let (id, acting) = (id.to_owned(), acting.clone());
    let ttl = vestibule.revocation_ttl();
    let removed = vestibule
        .store
        .write(async move |tx| {
            if let Err(ended) = acting.power(tx).await? {
                return Ok(Err(ended.into()));
            }
            if !clients::delete(tx, &id).await? {
                let error = if is_configured { StoredClientError::Configured } else { StoredClientError::Unknown };
                return Ok(Err(error(id.clone())));
            }
            let mut ended = 0;
            let sessions = if is_configured { Vec::new() } else { clients::list_unrevoked_sessions(tx, &id).await? };
            for (user, session) in sessions {
                let context = acting.context.clone();
                let (selection, reason) = (Selection::One(session), RevokeReason::RevokedByAdmin);
                ended += Revocation { user, selection, reason, ttl, context }.carry_out(tx).await?;
            }
            audit::insert(tx, &AuditEvent::new(Event::ClientRemoved, &acting.context).detail("client", id.clone()))
                .await?;
            client_registry::announce(tx, acting.context.now).await?;
            Ok(Ok(ended))
        })
        .await??;
    client_registry::reload(vestibule).await?;
    Ok(removed)
}

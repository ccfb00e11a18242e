//! Reset: deletes the data of a prototype. It is for the workbench of the profile `dev`.

use crate::{
    domain::{RoleName, audit_event::RequestContext, permission::ADMIN_ROLE},
    flows::{
        Vestibule,
        steps::{client_registry, erase_account::erase_account},
    },
    store::{self, clients, roles, users},
};

/// The maximum number of users that one transaction deletes, so that no other write waits for long.
const BATCH: i64 = 200;

/// Deletes all users with their sessions, devices and links, all roles except `admin`, and the clients that were made at run
/// time. Resets the rate limits. The signing keys stay, and so do the events of the audit log,
/// without personal data.
pub async fn reset(vestibule: &Vestibule, context: &RequestContext) -> store::Result<()> {
    let (ttl, now) = (vestibule.revocation_ttl(), context.now);
    loop {
        let context = context.clone();
        let deleted = vestibule.store.write(async move |tx| {
            let batch: Vec<_> = users::list_after(tx, "", BATCH).await?.into_iter().map(|user| user.id).collect();
            for id in &batch {
                erase_account(tx, *id, &[], ttl, &context).await?;
            }
            Ok(batch.len())
        });
        if deleted.await? == 0 {
            break;
        }
    }
    vestibule
        .store
        .write(async move |tx| {
            let all = roles::find_all(tx).await?;
            let others = all.names().filter(|name| *name != ADMIN_ROLE).filter_map(|name| RoleName::parse(name).ok());
            for role in others {
                roles::remove(tx, &role).await?;
            }
            for client in clients::list(tx).await? {
                clients::delete(tx, &client.id).await?;
            }
            client_registry::announce(tx, now).await
        })
        .await?;
    client_registry::reload(vestibule).await?;
    vestibule.early_expiries.clear();
    vestibule.throttle.clear();
    Ok(())
}

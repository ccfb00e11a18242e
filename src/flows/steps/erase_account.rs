//! The deletion of an account, with everything that belongs to it.

use crate::{
    domain::{
        UserId,
        audit_event::{Actor, AuditEvent, Event, RequestContext},
        change::DELETED_USER_VERSION,
        session::RevokeReason,
    },
    flows::steps::revocation::{Revocation, invalidate_access_tokens},
    store::{self, Tx, audit, sessions, users},
};

/// Revokes the sessions and access tokens of a user, deletes the account, and removes the user's data from the audit log.
/// `name_hashes` are the keyed hashes of the user's names, by which failed logins of before the account existed are found.
pub(in crate::flows) async fn erase_account(
    tx: &mut Tx,
    id: UserId,
    name_hashes: &[String],
    revocation_ttl: i64,
    context: &RequestContext,
) -> store::Result<()> {
    let (selection, reason) = (sessions::Selection::All, RevokeReason::UserDeleted);
    Revocation { user: id, selection, reason, ttl: revocation_ttl, context: context.clone() }.carry_out(tx).await?;
    invalidate_access_tokens(tx, revocation_ttl, id, DELETED_USER_VERSION, context.now).await?;
    users::delete(tx, id).await?;
    audit::forget_user(tx, id, name_hashes).await?;
    // The event does not name the user. It has an address only if somebody else acted.
    let mut event = AuditEvent::new(Event::UserDeleted, context);
    if matches!(context.actor, Actor::Unnamed | Actor::CommandLine) || context.actor == Actor::User(id) {
        event.ip = None;
    }
    audit::insert(tx, &event).await
}

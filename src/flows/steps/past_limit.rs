//! The audit event of an attempt past a limit. The first attempt in each window is recorded, and the others are not: a client
//! that is refused must not be able to fill the audit log.

use crate::{
    domain::{
        SessionId, UserId,
        audit_event::{AuditEvent, Event, RequestContext},
    },
    flows::Vestibule,
    memory::throttle::{Network, PastLimit},
    store::{self, audit},
};

/// Records an attempt past a limit, if it is the first in its window. `of_first` returns the event, to which the name of the
/// limit is added.
pub(in crate::flows) async fn record(
    vestibule: &Vestibule,
    attempt: &PastLimit,
    of_first: impl FnOnce() -> AuditEvent,
) -> store::Result<()> {
    if is_first(vestibule, attempt) {
        write(vestibule, attempt, of_first()).await?;
    }
    Ok(())
}

/// Returns whether an attempt past a limit must be recorded in the audit log, because it is the first in its window. Counts the
/// attempt for the metrics.
pub(in crate::flows) fn is_first(vestibule: &Vestibule, attempt: &PastLimit) -> bool {
    vestibule.metrics.limited.count(attempt.limit());
    vestibule.throttle.refused.is_first(attempt)
}

/// Writes the event of an attempt that is the first in its window. If it can't be written, the next attempt is the first.
pub(in crate::flows) async fn write(
    vestibule: &Vestibule,
    attempt: &PastLimit,
    event: AuditEvent,
) -> store::Result<()> {
    let event = event.detail("limit", attempt.setting());
    let written = vestibule.store.write(async move |tx| audit::insert(tx, &event).await).await;
    if written.is_err() {
        vestibule.throttle.refused.give_back(attempt);
    }
    written
}

/// Records an action of a signed-in user past the limit of actions.
pub(in crate::flows) async fn record_action(
    vestibule: &Vestibule,
    user: UserId,
    context: &RequestContext,
) -> store::Result<()> {
    record(vestibule, &PastLimit::Actions(user), || AuditEvent::new(Event::LimitReached, context).user(user)).await
}

/// Records a refresh past `refresh_rate_per_session`.
pub(crate) async fn record_refresh(
    vestibule: &Vestibule,
    session: SessionId,
    user: UserId,
    context: &RequestContext,
) -> store::Result<()> {
    let event = || AuditEvent::new(Event::LimitReached, context).user(user).session(session);
    record(vestibule, &PastLimit::Refreshes(session), event).await
}

/// Records a registration, or another attempt to take a name, past `register_rate_per_ip`.
pub(in crate::flows) async fn record_registration(
    vestibule: &Vestibule,
    network: Option<Network>,
    user: Option<UserId>,
    context: &RequestContext,
) -> store::Result<()> {
    let Some(network) = network else { return Ok(()) };
    let event = AuditEvent::new(Event::LimitReached, context);
    let event = user.map_or(event.clone(), |user| event.user(user));
    record(vestibule, &PastLimit::Registrations(network), || event).await
}

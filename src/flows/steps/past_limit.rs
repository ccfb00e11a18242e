//! The audit event of an attempt past a limit. The first attempt in each window is recorded, and the others are not: a client
//! that is refused must not be able to fill the audit log.

use crate::{
    domain::{
        UserId,
        audit_event::{AuditEvent, Event, RequestContext},
    },
    flows::Vestibule,
    memory::throttle::PastLimit,
    store::{self, audit},
};

/// Records an attempt past a limit, if it is the first in its window. `of_first` returns the event, to which the name of the
/// limit is added.
pub(in crate::flows) async fn record(
    vestibule: &Vestibule,
    attempt: &PastLimit,
    of_first: impl FnOnce() -> AuditEvent,
) -> store::Result<()> {
    if !vestibule.throttle.refused.is_first(attempt) {
        return Ok(());
    }
    let event = of_first().detail("limit", attempt.setting());
    vestibule.store.write(async move |tx| audit::insert(tx, &event).await).await
}

/// Records an action of a signed-in user past the limit of actions.
pub(in crate::flows) async fn record_action(
    vestibule: &Vestibule,
    user: UserId,
    context: &RequestContext,
) -> store::Result<()> {
    record(vestibule, &PastLimit::Actions(user), || AuditEvent::new(Event::LimitReached, context).user(user)).await
}

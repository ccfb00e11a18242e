//! Record visit: somebody who administers opens the first page of the administration. The audit log keeps who looked, and the
//! page can say what has changed since the last time.

use crate::{
    domain::{
        UnixTime, UserId,
        audit_event::{AuditEvent, Event, RequestContext},
    },
    flows::Vestibule,
    store::{
        self,
        audit::{self, Filter},
    },
};

/// Seconds within which the page is opened several times in one visit.
const VISIT: i64 = 30 * 60;

/// Records a visit, unless the last one began less than half an hour ago. Returns the beginning of the visit before; `None` if
/// the audit log has none.
pub async fn record_visit(
    vestibule: &Vestibule,
    user: UserId,
    context: &RequestContext,
) -> store::Result<Option<UnixTime>> {
    let filter = Filter { user: Some(user), event: Some(Event::AdminVisited.as_str().to_owned()), since: None };
    let (visits, _) = audit::search(&mut *vestibule.store.read().await?, &filter, None, 2).await?;
    let mut visits = visits.into_iter().map(|event| event.at).peekable();
    if visits.next_if(|at| context.now.seconds() - at.seconds() < VISIT).is_none() {
        let event = AuditEvent::new(Event::AdminVisited, context).user(user);
        vestibule.store.write(async move |tx| audit::insert(tx, &event).await).await?;
    }
    Ok(visits.next())
}

//! Export user: reads all stored data about a user, for the user (GDPR Art. 15 and 20), page by page.

use crate::{
    domain::{
        AccessClaims, DeviceRowId, SessionId, UnixTime, User, UserId, audit_event::RequestContext, session::Session,
    },
    flows::{Vestibule, steps::past_limit},
    memory::throttle::RetryAfter,
    store::{self, audit, devices, sessions, users},
};

/// The number of rows of a page. A page of the longest rows takes a few hundred kilobytes.
const PAGE: i64 = 200;

/// An error of the beginning of an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There were too many actions of the user. Contains the time after which the client may try again.
    #[error("too many actions")]
    TooMany(RetryAfter),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The rows of one page.
pub enum Page {
    /// Sessions: those that were not revoked, the most recently used first on each page, then the revoked ones, the last
    /// revoked first. Ended sessions are included until they are deleted.
    Sessions(Vec<Session>),
    /// Devices, in the order of their ids.
    Devices(Vec<devices::Device>),
    /// Audit events, newest first.
    AuditEvents(Vec<audit::StoredEvent>),
}

/// The position of a page: its list, and the last row before it. `None` for the first page of the list.
#[derive(Clone, Copy, Debug)]
pub enum Position {
    /// After this session, among those that were not revoked.
    Sessions(Option<SessionId>),
    /// After the session with this time of revocation and this id, among those that were revoked.
    RevokedSessions(Option<(UnixTime, SessionId)>),
    /// After the device with this id.
    Devices(Option<DeviceRowId>),
    /// After the event at this place in the log.
    AuditEvents(Option<audit::Place>),
}

impl Position {
    /// Returns the position of the first page.
    pub const fn first() -> Self {
        Self::Sessions(None)
    }

    /// Returns whether this is the first page of its list.
    pub const fn is_start_of_list(self) -> bool {
        matches!(self, Self::Sessions(None) | Self::Devices(None) | Self::AuditEvents(None))
    }
}

/// Counts an export of the bearer, and reads the account. Returns `None` if the account was deleted.
pub async fn begin_export(
    vestibule: &Vestibule,
    bearer: &AccessClaims,
    context: &RequestContext,
) -> Result<Option<User>, ExportError> {
    if let Err(wait) = vestibule.throttle.actions.take(&bearer.sub) {
        past_limit::record_action(vestibule, bearer.sub, context).await?;
        return Err(ExportError::TooMany(wait));
    }
    Ok(users::find(&mut *vestibule.store.read().await?, bearer.sub).await?)
}

/// Reads a page, and returns the position of the next one; `None` after the last page.
pub async fn read_page(
    vestibule: &Vestibule,
    user: UserId,
    position: Position,
) -> store::Result<(Page, Option<Position>)> {
    let mut reader = vestibule.store.read().await?;
    Ok(match position {
        Position::Sessions(after) => {
            let rows = sessions::page_unrevoked_by_user(&mut reader, user, after, PAGE).await?;
            let last = last_of_full(&rows).and_then(|_| rows.iter().map(|session| session.id).min());
            let next = last.map_or(Position::RevokedSessions(None), |last| Position::Sessions(Some(last)));
            (Page::Sessions(rows), Some(next))
        }
        Position::RevokedSessions(after) => {
            let rows = sessions::page_revoked_by_user(&mut reader, user, after, PAGE).await?;
            let last = last_of_full(&rows).and_then(|last| Some((last.revoked_at?, last.id)));
            let next = last.map_or(Position::Devices(None), |last| Position::RevokedSessions(Some(last)));
            (Page::Sessions(rows), Some(next))
        }
        Position::Devices(after) => {
            let rows = devices::page_by_user(&mut reader, user, after, PAGE).await?;
            let last = last_of_full(&rows).map(|device| device.id);
            let next = last.map_or(Position::AuditEvents(None), |last| Position::Devices(Some(last)));
            (Page::Devices(rows), Some(next))
        }
        Position::AuditEvents(after) => {
            let of_user = audit::Filter { user: Some(user), ..audit::Filter::default() };
            let rows = audit::page(&mut reader, &of_user, after, PAGE).await?;
            let last = rows.last().filter(|_| rows.len() as i64 == PAGE).map(audit::StoredEvent::place);
            (Page::AuditEvents(rows), last.map(|last| Position::AuditEvents(Some(last))))
        }
    })
}

/// Returns the last row of a full page, after which there may be more.
fn last_of_full<T>(rows: &[T]) -> Option<&T> {
    rows.last().filter(|_| rows.len() as i64 == PAGE)
}

//! Export user: reads all stored data about a user, for the user (GDPR Art. 15 and 20), page by page.

use crate::{
    domain::{AccessClaims, DeviceRowId, UnixTime, User, UserId, audit_event::RequestContext, session::Session},
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
    /// Sessions, the most recently used first. Ended sessions are included until they are deleted.
    Sessions(Vec<Session>),
    /// Devices, the most recently used first.
    Devices(Vec<devices::Device>),
    /// Audit events, newest first.
    AuditEvents(Vec<audit::StoredEvent>),
}

/// The position of a page: its list, and the last row before it. `None` for the first page of the list.
#[derive(Clone, Copy, Debug)]
pub enum Position {
    /// After the session with this place in the order of use.
    Sessions(Option<i64>),
    /// After the device with this time of last use and this id.
    Devices(Option<(UnixTime, DeviceRowId)>),
    /// After the event with this number.
    AuditEvents(Option<i64>),
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
            let (rows, last) = sessions::page_by_user(&mut reader, user, after, PAGE).await?;
            let next = last.map_or(Position::Devices(None), |last| Position::Sessions(Some(last)));
            (Page::Sessions(rows), Some(next))
        }
        Position::Devices(after) => {
            let rows = devices::page_by_user(&mut reader, user, after, PAGE).await?;
            let last = rows.last().filter(|_| rows.len() as i64 == PAGE).map(|device| (device.last_used_at, device.id));
            let next = last.map_or(Position::AuditEvents(None), |last| Position::Devices(Some(last)));
            (Page::Devices(rows), Some(next))
        }
        Position::AuditEvents(after) => {
            let (rows, last) = audit::page_by_user(&mut reader, user, after, PAGE).await?;
            (Page::AuditEvents(rows), last.map(|last| Position::AuditEvents(Some(last))))
        }
    })
}

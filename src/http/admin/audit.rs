//! `/admin/audit`: the audit log.

use rocket::{get, serde::json::Json};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::cursor;
use crate::{
    domain::{UnixTime, UserId},
    http::{
        db::{Connection, Db},
        errors::ApiError,
        guards::admin::{AuditRead, Reads},
        request::{
            body::{Fields, FromFields},
            field::{Field, Kind, optional},
            query::Query,
        },
    },
    store::audit::{self, Filter, Place, StoredEvent},
};

/// The number of events of a page, unless the request names another.
const PAGE: u32 = 50;
/// The maximum number of events of a page.
const MAX_PAGE: u32 = 200;

/// An event of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    /// The number of the event.
    id: i64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: UnixTime,
    /// The kind of the event, such as `login_failed`.
    event: String,
    /// The id of the user that the event concerns; null if it concerns none, or if the user was deleted.
    #[schema(required)]
    user: Option<String>,
    /// The id of the session; null if the event has none.
    #[schema(required)]
    session: Option<String>,
    /// The IP address of the client; null if it is unknown.
    #[schema(required)]
    ip: Option<String>,
    /// Who acted, if it was not the user that the event concerns: the id of a user, `deleted_user`, or
    /// `command_line`.
    #[schema(required)]
    actor: Option<String>,
    /// Further details.
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<StoredEvent> for EventView {
    fn from(stored: StoredEvent) -> Self {
        let StoredEvent { id, at, event, user_id, session_id, ip, actor, detail } = stored;
        Self { id, at, event, user: user_id, session: session_id, ip, actor, detail }
    }
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events, newest first. The list may be shorter than `limit` although there are more events.
    events: Vec<EventView>,
    /// The value of `cursor` for the next page; null after the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The query of the audit log.
pub struct EventQuery {
    filter: Filter,
    after: Option<Place>,
    limit: u32,
}

impl FromFields for EventQuery {
    const FIELDS: &'static [Field] = &[
        optional("user", Kind::Id, "Only events that concern the user with this id."),
        optional("event", Kind::Opaque, "Only events of this kind."),
        optional("since", Kind::Opaque, "Only events at this time and later, in RFC 3339."),
        optional("limit", Kind::Number(MAX_PAGE), "The maximum number of events of the page. By default 50."),
        optional("cursor", Kind::Opaque, "The `next_cursor` of the page before."),
    ];

    fn read(fields: &mut Fields, _: &crate::flows::Vestibule) -> Option<Self> {
        let filter = Filter {
            user: fields.optional("user", |text| UserId::parse(text).ok_or("must be the id of a user")),
            event: fields.optional("event", |text| Ok::<_, &str>(text.to_owned())),
            since: fields.optional("since", |text| {
                UnixTime::parse(text).ok_or("must be a time in RFC 3339, such as 2026-11-27T08:00:00Z")
            }),
        };
        let after = fields.optional("cursor", |text| place_of(text).ok_or(cursor::WRONG));
        let limit = fields.number("limit", MAX_PAGE).unwrap_or(PAGE);
        Some(Self { filter, after, limit })
    }
}

/// Returns the cursor of a place.
pub(in crate::http) fn cursor_of(place: Place) -> String {
    cursor::encode('a', &format!("{}.{}", place.at.seconds(), place.id))
}

/// Returns the place of a cursor; `None` for a text that is no cursor of this list.
pub(in crate::http) fn place_of(cursor: &str) -> Option<Place> {
    let (kind, place) = cursor::decode(cursor)?;
    let (at, id) = place.split_once('.').filter(|_| kind == 'a')?;
    Some(Place { at: UnixTime::from_seconds(at.parse().ok()?), id: id.parse().ok()? })
}

/// Returns a page of the audit log.
#[get("/audit")]
pub async fn list_events(
    _token: Reads<AuditRead>,
    query: Query<EventQuery>,
    mut db: Connection<Db>,
) -> Result<Json<EventPage>, ApiError> {
    let EventQuery { filter, after, limit } = query.0;
    let (events, next) = audit::search(&mut db, &filter, after, limit as usize).await?;
    Ok(Json(EventPage { events: events.into_iter().map(EventView::from).collect(), next_cursor: next.map(cursor_of) }))
}

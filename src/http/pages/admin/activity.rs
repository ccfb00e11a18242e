//! `/admin/ui/activity`: the audit log with filters.

use rocket::get;
use serde_json::{Value, json};

use super::{
    desk::{Desk, UI},
    events,
    refused::Refused,
};
use crate::{
    domain::{Identifier, UnixTime, UserId, audit_event::Event},
    http::{
        admin::audit::{cursor_of, place_of},
        errors::ApiError,
        guards::admin::{AuditRead, UsersRead},
        pages::{Page, texts, with_parameters},
    },
    store::{
        Conn,
        audit::{self, Filter, Place},
        users,
    },
};

/// The number of events on a page.
const PAGE: usize = 50;

/// Returns the newest events that the filters select. `who` is a username, an address or an id, and `since` a date or a time. A
/// filter that can't be used is reported at its field, and selects nothing.
#[get("/ui/activity?<who>&<event>&<since>&<until>&<cursor>")]
pub(super) async fn activity_page(
    desk: Desk<'_>,
    who: Option<&str>,
    event: Option<&str>,
    since: Option<&str>,
    until: Option<&str>,
    cursor: Option<&str>,
) -> Result<Page, ApiError> {
    desk.check::<AuditRead>()?;
    let [who, event, since, until] = [who, event, since, until].map(|text| text.unwrap_or_default().trim());
    let mut conn = desk.vestibule.store.read().await?;
    let mut problems = Vec::new();
    let user = match find_user(&desk, &mut conn, who).await? {
        Ok(user) => user,
        Err(problem) => {
            problems.push(("who", texts::error(problem)));
            None
        }
    };
    let mut read = |name, text| {
        read_time(text).unwrap_or_else(|()| {
            problems.push((name, texts::error("no_date")));
            None
        })
    };
    let (from, to) = (read("since", since), read("until", until));
    let filter = Filter { user, event: (!event.is_empty()).then(|| event.to_owned()), since: from };
    // The list begins before the end of the time, or where the page before has ended.
    let after = cursor.and_then(place_of).or(to.map(|at| Place { at: end_of(until, at), id: 0 }));
    let (found, next) = match problems.is_empty() {
        true => audit::search(&mut conn, &filter, after, PAGE).await?,
        false => (Vec::new(), None),
    };
    let lines = events::lines(&desk, &mut conn, &found).await?;
    drop(conn);
    let filters = [("who", who), ("event", event), ("since", since), ("until", until)];
    let older = next.map(|place| {
        let cursor = cursor_of(place);
        with_parameters(&format!("{UI}/activity"), filters.into_iter().chain([("cursor", cursor.as_str())]))
    });
    let kind = |name: &&str| json!({"name": name, "label": events::sentence(name), "chosen": *name == event});
    let kinds: Vec<Value> = Event::WORDS.iter().map(kind).collect();
    let refused = (!problems.is_empty()).then(|| Refused::of_filter(problems));
    let own = json!({
        "events": lines,
        "older": older,
        "who": who,
        "since": shown(since, from),
        "until": shown(until, to),
        "kinds": kinds,
        "filtered": filters.iter().any(|(_, value)| !value.is_empty()),
    });
    Ok(desk.page("admin-activity", "activity", own, refused.as_ref()))
}

/// Returns the user with this username, address or id; `None` for an empty text. The inner error is the key of the sentence
/// about a text that can't be used. Somebody who may not read users finds nobody by a name.
async fn find_user(
    desk: &Desk<'_>,
    conn: &mut Conn,
    who: &str,
) -> Result<Result<Option<UserId>, &'static str>, ApiError> {
    if who.is_empty() {
        return Ok(Ok(None));
    }
    // Events of a user who was deleted name nobody, so an id that no user has finds nothing.
    if let Some(id) = UserId::parse(who) {
        return Ok(Ok(Some(id)));
    }
    if !desk.may::<UsersRead>() {
        return Ok(Err("only_id"));
    }
    let Ok(name) = Identifier::parse(who) else { return Ok(Err("nobody")) };
    Ok(users::find_by_identifier(conn, &name).await?.map(|user| Some(user.id)).ok_or("nobody"))
}

/// Returns a time as an input of a page shows it, or the text that could not be read.
fn shown(text: &str, time: Option<UnixTime>) -> String {
    time.map_or_else(|| text.to_owned(), |time| time.to_string().chars().take(MINUTES).collect())
}

/// Returns the end of the typed date, minute or second, which the list contains.
fn end_of(text: &str, begin: UnixTime) -> UnixTime {
    let length = match text.len() {
        DATE => 24 * 60 * 60,
        MINUTES => 60,
        _ => 1,
    };
    UnixTime::from_seconds(begin.seconds().saturating_add(length))
}

/// The length of a date such as `2026-11-27`.
const DATE: usize = 10;

/// The length of a time such as `2026-11-27T22:00`, as the input of a page sends it.
const MINUTES: usize = 16;

/// Reads a date, a time in UTC to the minute, or a time in RFC 3339; `None` for an empty text. A date is its beginning in UTC.
fn read_time(text: &str) -> Result<Option<UnixTime>, ()> {
    match text {
        "" => Ok(None),
        date if date.len() == DATE => UnixTime::parse(&format!("{date}T00:00:00Z")).map(Some).ok_or(()),
        time if time.len() == MINUTES => UnixTime::parse(&format!("{time}:00Z")).map(Some).ok_or(()),
        time => UnixTime::parse(time).map(Some).ok_or(()),
    }
}

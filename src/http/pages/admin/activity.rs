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
        audit::{self, Filter},
        users,
    },
};

/// The number of events on a page.
const PAGE: usize = 50;

/// Returns the newest events that the filters select. `who` is a username, an address or an id, and `since` a date or a time. A
/// filter that can't be used is reported at its field, and selects nothing.
#[get("/ui/activity?<who>&<event>&<since>&<cursor>")]
pub(super) async fn activity(
    desk: Desk<'_>,
    who: Option<&str>,
    event: Option<&str>,
    since: Option<&str>,
    cursor: Option<&str>,
) -> Result<Page, ApiError> {
    desk.check::<AuditRead>()?;
    let [who, event, since] = [who, event, since].map(|text| text.unwrap_or_default().trim());
    let mut conn = desk.vestibule.store.read().await?;
    let mut problems = Vec::new();
    let user = match find_user(&desk, &mut conn, who).await? {
        Ok(user) => user,
        Err(problem) => {
            problems.push(("who", texts::error(problem)));
            None
        }
    };
    let from = read_time(since).unwrap_or_else(|()| {
        problems.push(("since", texts::error("no_date")));
        None
    });
    let filter = Filter { user, event: (!event.is_empty()).then(|| event.to_owned()), since: from };
    let after = cursor.and_then(place_of);
    let (found, next) = match problems.is_empty() {
        true => audit::search(&mut conn, &filter, after, PAGE).await?,
        false => (Vec::new(), None),
    };
    let lines = events::lines(&desk, &mut conn, &found).await?;
    drop(conn);
    let filters = [("who", who), ("event", event), ("since", since)];
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
        "since": since,
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

/// Reads a date, or a time in RFC 3339; `None` for an empty text. A date is its beginning in UTC.
fn read_time(text: &str) -> Result<Option<UnixTime>, ()> {
    match text {
        "" => Ok(None),
        date if date.len() == "2026-11-27".len() => UnixTime::parse(&format!("{date}T00:00:00Z")).map(Some).ok_or(()),
        time => UnixTime::parse(time).map(Some).ok_or(()),
    }
}

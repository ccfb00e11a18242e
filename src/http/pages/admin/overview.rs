//! `/admin`: the first page of the administration. It says whether something is to be done, how the server is, and what has
//! changed since the last visit.

use rocket::get;
use serde_json::{Value, json};

use super::{
    desk::{Desk, UI},
    events,
};
use crate::{
    domain::{UnixTime, audit_event::Event},
    flows::users::record_visit::record_visit,
    http::{
        errors::ApiError,
        guards::admin::{AuditRead, SessionsRead, UsersRead},
        pages::{Page, checks, humanize, with_parameters},
    },
    store::{
        Conn,
        audit::{self, Filter},
        live_sessions, users,
    },
};

/// The number of events that the page reads. Older ones are in the activity.
const READ: usize = 200;

/// The number of changes that the page lists.
const SHOWN: usize = 10;

/// The number up to which users and sessions are counted.
const COUNTED: i64 = 100_000;

/// Seconds before now from which the page shows changes if there was no earlier visit.
const WEEK: i64 = 7 * 24 * 60 * 60;

/// The events that happen without a change, which the page does not list.
const ROUTINE: [Event; 8] = [
    Event::LoginSucceeded,
    Event::LoginFailed,
    Event::LoggedOut,
    Event::Reauthenticated,
    Event::DeviceDrift,
    Event::AccessTokenCreated,
    Event::AdminVisited,
    Event::SigningKeyPromoted,
];

/// Returns the page. The first time in half an hour, the visit is recorded.
#[get("/")]
pub(super) async fn overview(desk: Desk<'_>) -> Result<Page, ApiError> {
    desk.check_reads_anything()?;
    let context = desk.caller.context();
    let last_visit = record_visit(desk.vestibule, desk.claims.sub, &context).await?;
    let since = last_visit.unwrap_or(UnixTime::from_seconds(context.now.seconds() - WEEK));
    let mut conn = desk.vestibule.store.read().await?;
    let users = match desk.may::<UsersRead>() {
        true => Some(counted(users::count(&mut conn, COUNTED).await?)),
        false => None,
    };
    let sessions = match desk.may::<SessionsRead>() {
        true => Some(counted(live_sessions::count(&mut conn, context.now, COUNTED).await?)),
        false => None,
    };
    let changes = match desk.may::<AuditRead>() {
        true => Some(changes(&desk, &mut conn, since).await?),
        false => None,
    };
    let own = json!({
        "problems_found": problems(&desk),
        "version": env!("CARGO_PKG_VERSION"),
        "users": users,
        "sessions": sessions,
        "backup": checks::sentence(desk.vestibule, "backups"),
        "is_first_visit": last_visit.is_none(),
        "since": humanize::instant(since),
        "changes": changes,
    });
    Ok(desk.page("admin-overview", "overview", own, None))
}

/// Returns what is to be done: the checks of the installation that are not good, and the notes about the configuration. Only an
/// admin could do something about them.
fn problems(desk: &Desk<'_>) -> Vec<String> {
    if !desk.is_admin() {
        return Vec::new();
    }
    let checks = [checks::https(desk.vestibule), checks::registration(desk.vestibule)];
    let checks = checks.into_iter().filter(|(_, is_good)| !is_good);
    let sentences = checks.map(|(key, _)| checks::sentence(desk.vestibule, key));
    sentences.chain(desk.vestibule.config.as_read.notes.iter().cloned()).collect()
}

/// Returns the events since a time: how many sign-ins there were, and the newest of the other events.
async fn changes(desk: &Desk<'_>, conn: &mut Conn, since: UnixTime) -> Result<Value, ApiError> {
    let (found, more) = audit::search(conn, &Filter { since: Some(since), ..Filter::default() }, None, READ).await?;
    let count = |event: Event| found.iter().filter(|found| found.event == event.as_str()).count();
    let (signed_in, failed) = (count(Event::LoginSucceeded), count(Event::LoginFailed));
    let others: Vec<_> =
        found.iter().filter(|found| ROUTINE.iter().all(|event| event.as_str() != found.event)).cloned().collect();
    let listed = &others[..others.len().min(SHOWN)];
    Ok(json!({
        "signed_in": signed_in,
        "failed": failed,
        "events": events::lines(desk, conn, listed).await?,
        "has_more": more.is_some() || others.len() > SHOWN,
        "is_cut": more.is_some(),
        "address": with_parameters(&format!("{UI}/activity"), [("since", since.to_string().as_str())]),
    }))
}

/// Returns a number that was counted up to [`COUNTED`].
fn counted(number: i64) -> String {
    if number < COUNTED { number.to_string() } else { format!("{COUNTED} or more") }
}

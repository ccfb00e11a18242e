//! `/admin`: the first page of the administration. It says whether something is to be done, how the server is, and what has
//! changed since the person signed in before.

use rocket::{State, get};
use serde_json::{Value, json};

use super::{
    desk::{Desk, UI},
    events,
};
use crate::{
    domain::{UnixTime, audit_event::Event},
    http::{
        errors::ApiError,
        guards::admin::{AuditRead, SessionsRead, UsersRead},
        pages::{Page, checks, humanize, texts, with_parameters},
        request::untrusted_proxy::UntrustedProxies,
    },
    store::{
        Conn,
        audit::{self, Filter, StoredEvent},
        live_sessions, sessions, users,
    },
};

/// The number of changes that the page lists.
const SHOWN: usize = 10;

/// The numbers up to which users and sessions are counted. No index contains the live sessions, so more of them would take
/// long.
const COUNTED: i64 = 100_000;
const COUNTED_SESSIONS: i64 = 10_000;

/// The number up to which sign-ins are counted.
const COUNTED_SIGN_INS: i64 = 1_000;

/// Seconds before now from which the page shows changes if there was no earlier sign-in.
const WEEK: i64 = 7 * 24 * 60 * 60;

/// The events that happen without a change, which the page does not list. Anybody can cause some of them in any number, so they
/// must not push the others out.
const ROUTINE: [Event; 9] = [
    Event::UserRegistered,
    Event::LoginSucceeded,
    Event::LoginFailed,
    Event::LoggedOut,
    Event::Reauthenticated,
    Event::ReauthenticationFailed,
    Event::DeviceDrift,
    Event::AccessTokenCreated,
    Event::LimitReached,
];

/// The events that every user can cause. Only a few of each are listed, for the same reason.
const BY_USERS: [Event; 10] = [
    Event::UserChanged,
    Event::UserDeleted,
    Event::PasswordChanged,
    Event::SessionRevoked,
    Event::RefreshReused,
    Event::RefreshRepeated,
    Event::DeviceMismatch,
    Event::DeviceLimitReached,
    Event::TokenRevoked,
    Event::LinkUsed,
];

/// The number of events of each of these kinds that the page lists.
const SHOWN_BY_USERS: usize = 2;

/// Returns whether one of the events has this name.
fn is_among(events: &[Event], name: &str) -> bool {
    events.iter().any(|event| event.as_str() == name)
}

/// Returns the page.
#[get("/")]
pub(super) async fn overview_page(desk: Desk<'_>, proxies: Option<&State<UntrustedProxies>>) -> Result<Page, ApiError> {
    desk.check_reads_anything()?;
    let now = desk.caller.context().now;
    let mut conn = desk.vestibule.store.read().await?;
    let users = match desk.may::<UsersRead>() {
        true => Some(counted(users::count(&mut conn, COUNTED).await?, COUNTED)),
        false => None,
    };
    let sessions = match desk.may::<SessionsRead>() {
        true => Some(counted(live_sessions::count(&mut conn, now, COUNTED_SESSIONS).await?, COUNTED_SESSIONS)),
        false => None,
    };
    let earlier = earlier_sign_in(&desk, &mut conn).await?;
    let since = earlier.unwrap_or(UnixTime::from_seconds(now.seconds() - WEEK));
    let changes = match desk.may::<AuditRead>() {
        true => Some(changes(&desk, &mut conn, since).await?),
        false => None,
    };
    // Only an admin could do something about a problem, and may know where things are on the machine.
    let is_admin = desk.is_admin();
    let own = json!({
        "is_admin": is_admin,
        "problems_found": if is_admin { problems(&desk, proxies.map(State::inner)) } else { Vec::new() },
        "version": env!("CARGO_PKG_VERSION"),
        "users": users,
        "sessions": sessions,
        "backup": is_admin.then(|| checks::sentence(desk.vestibule, checks::backups(desk.vestibule).0)),
        "is_first_visit": earlier.is_none(),
        "since": humanize::instant(since),
        "changes": changes,
    });
    Ok(desk.page("admin-overview", "overview", own, None))
}

/// Returns what is to be done: the checks of the installation that are not good, the proxies that are not trusted, and the
/// notes about the configuration.
fn problems(desk: &Desk<'_>, proxies: Option<&UntrustedProxies>) -> Vec<String> {
    let vestibule = desk.vestibule;
    let checks = [checks::https(vestibule), checks::registration(vestibule), checks::backups(vestibule)];
    let checks = checks.into_iter().filter(|(_, is_good)| !is_good);
    let sentences = checks.map(|(key, _)| checks::sentence(desk.vestibule, key));
    let peers = proxies.map(UntrustedProxies::named).unwrap_or_default();
    let of_proxy = texts::find("setup", "untrusted_proxy").unwrap_or_default();
    let of_proxies = peers.into_iter().map(|peer| of_proxy.replace("{peer}", &peer.to_string()));
    let of_damage = vestibule.health.is_damaged().then(|| checks::sentence(vestibule, "database_damaged"));
    sentences.chain(of_damage).chain(of_proxies).chain(desk.vestibule.config.notes.iter().cloned()).collect()
}

/// Returns the time at which the person signed in before the present session. `None` if the audit log does not have it any
/// longer.
async fn earlier_sign_in(desk: &Desk<'_>, conn: &mut Conn) -> Result<Option<UnixTime>, ApiError> {
    let Some(session) = sessions::find(conn, desk.claims.sid).await? else { return Ok(None) };
    let filter = Filter {
        user: Some(desk.claims.sub),
        event: Some(Event::LoginSucceeded.as_str().to_owned()),
        ..Filter::default()
    };
    let before = audit::Place { at: session.created_at, id: 0 };
    let (found, _) = audit::search(conn, &filter, Some(before), 1).await?;
    Ok(found.first().map(|event| event.at))
}

/// Returns the events since a time: how many sign-ins there were, and the newest of the other events. Each kind of event is
/// read by its own index, so that many events of one kind hide no other.
async fn changes(desk: &Desk<'_>, conn: &mut Conn, since: UnixTime) -> Result<Value, ApiError> {
    let mut found: Vec<StoredEvent> = Vec::new();
    for kind in Event::WORDS.iter().filter(|kind| !is_among(&ROUTINE, kind)) {
        let filter = Filter { event: Some((*kind).to_owned()), since: Some(since), user: None };
        let limit = if is_among(&BY_USERS, kind) { SHOWN_BY_USERS } else { SHOWN };
        found.extend(audit::page(conn, &filter, None, limit as i64).await?);
    }
    found.sort_by_key(|event| std::cmp::Reverse((event.at, event.id)));
    found.truncate(SHOWN);
    let signed_in = audit::count(conn, Event::LoginSucceeded, since, COUNTED_SIGN_INS).await?;
    let failed = audit::count(conn, Event::LoginFailed, since, COUNTED_SIGN_INS).await?;
    let registered = audit::count(conn, Event::UserRegistered, since, COUNTED_SIGN_INS).await?;
    Ok(json!({
        "registered": counted(registered, COUNTED_SIGN_INS),
        "signed_in": counted(signed_in, COUNTED_SIGN_INS),
        "failed": counted(failed, COUNTED_SIGN_INS),
        "events": events::lines(desk, conn, &found).await?,
        "address": with_parameters(&format!("{UI}/activity"), [("since", since.to_string().as_str())]),
    }))
}

/// Returns a number that was counted up to `limit`.
fn counted(number: i64, limit: i64) -> String {
    if number < limit { number.to_string() } else { format!("{limit} or more") }
}

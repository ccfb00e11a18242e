//! `vestibule audit`: reads the audit log.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{
    Failure,
    output::{self, Format, or_dash},
    user_arg::UserArg,
};
use crate::{
    domain::{UnixTime, span::Lifetime},
    flows::Vestibule,
    store::audit::{self, Filter, Place, StoredEvent},
};

/// The number of events that are printed, unless the arguments name another.
const SHOWN: usize = 50;

/// The time between two checks for new events with `--follow`.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The number of events that are read at once while following.
const LOOKED_AT: usize = 20;

/// The arguments.
#[derive(Args)]
pub(super) struct Audit {
    /// Only events that concern this user: username, email address or id
    #[arg(long, value_parser = UserArg::parse)]
    user: Option<UserArg>,
    /// Only events of this kind, such as login_failed
    #[arg(long)]
    event: Option<String>,
    /// Only events since then: a time in RFC 3339, or a span before now, such as 2h or 7d
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
    /// The maximum number of events
    #[arg(long, default_value_t = SHOWN)]
    limit: usize,
    /// Print the last events, and then new ones as they happen
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    format: Format,
}

/// A time, or a span before now.
#[derive(Clone, Copy, Debug)]
enum Since {
    At(UnixTime),
    Before(i64),
}

/// Reads a time or a span.
fn since(text: &str) -> Result<Since, &'static str> {
    let span = || text.parse::<Lifetime>().ok().map(|span| Since::Before(span.seconds()));
    UnixTime::parse(text)
        .map(Since::At)
        .or_else(span)
        .ok_or("must be a time such as 2026-11-27T08:00:00Z, or a span such as 2h")
}

/// An event in the JSON output.
#[derive(Serialize)]
struct EventView {
    id: i64,
    at: UnixTime,
    event: String,
    /// The user that the event concerns.
    user: Option<String>,
    session: Option<String>,
    ip: Option<String>,
    /// Who acted, if it was not the user: the id of a user, or `command_line`.
    actor: Option<String>,
    detail: Value,
}

impl Audit {
    /// Prints the events, newest first. With `--follow`, prints them oldest first, each on a line of its own, until a signal
    /// ends the command.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let now = vestibule.clock.now();
        let user = match &self.user {
            Some(user) => Some(user.find(vestibule).await?.id),
            None => None,
        };
        let since = self.since.map(|since| match since {
            Since::At(at) => at,
            Since::Before(seconds) => now.plus(-seconds),
        });
        let filter = Filter { user, event: self.event.clone(), since };
        let events = read(vestibule, &filter, self.limit).await?;
        if self.follow {
            return self.follow(vestibule, filter, events).await;
        }
        if self.format.json {
            return output::print_json(&events.into_iter().map(view).collect::<Vec<_>>());
        }
        output::print_table(["TIME", "EVENT", "USER", "ACTOR", "IP", "DETAIL"], events.iter().map(row))
    }

    /// Prints these events and then new ones. Does not end.
    async fn follow(&self, vestibule: &Vestibule, filter: Filter, events: Vec<StoredEvent>) -> Result<(), Failure> {
        let mut last = None;
        let mut new = events;
        loop {
            for event in new.into_iter().rev() {
                last = Some(event.place());
                self.print_line(event)?;
            }
            tokio::time::sleep(LOOK_EVERY).await;
            new = read_new(vestibule, &filter, last).await?;
        }
    }

    fn print_line(&self, event: StoredEvent) -> Result<(), Failure> {
        if self.format.json {
            return output::print(&serde_json::to_string(&view(event))?);
        }
        output::print(&super::printable::printable(&row(&event).join("  ")))
    }
}

/// Reads the events that are newer than the place `last`, newest first.
async fn read_new(vestibule: &Vestibule, filter: &Filter, last: Option<Place>) -> Result<Vec<StoredEvent>, Failure> {
    let mut reader = vestibule.store.read().await?;
    let is_new = |event: &StoredEvent| last.is_none_or(|last| (event.at, event.id) > (last.at, last.id));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (events, next) = audit::search(&mut reader, filter, after, LOOKED_AT).await?;
        let seen = events.iter().any(|event| !is_new(event));
        found.extend(events.into_iter().filter(is_new));
        match next {
            Some(_) if !seen => after = next,
            _ => return Ok(found),
        }
    }
}

/// Reads at most `limit` events, newest first.
async fn read(vestibule: &Vestibule, filter: &Filter, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
    let mut reader = vestibule.store.read().await?;
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() < limit {
        let (events, next) = audit::search(&mut reader, filter, after, (limit - found.len()).min(200)).await?;
        found.extend(events);
        match next {
            Some(_) => after = next,
            None => break,
        }
    }
    Ok(found)
}

fn view(event: StoredEvent) -> EventView {
    let StoredEvent { id, at, event, user_id, session_id, ip, actor, detail } = event;
    EventView { id, at, event, user: user_id, session: session_id, ip, actor, detail }
}

/// Returns an event as a row of the table.
fn row(event: &StoredEvent) -> [String; 6] {
    let details = event.detail.as_object().map(|detail| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        detail.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(" ")
    });
    [
        event.at.to_string(),
        event.event.clone(),
        or_dash(event.user_id.as_ref()),
        or_dash(event.actor.as_ref()),
        or_dash(event.ip.as_ref()),
        details.unwrap_or_default(),
    ]
}

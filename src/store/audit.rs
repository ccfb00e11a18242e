//! The queries on the audit log.

use serde_json::Value;

use super::{
    Conn, Error, Result, instant, meta,
    sql::{Row, sql},
};
use crate::domain::{
    UnixTime, UserId,
    audit_event::{Actor, AuditEvent, Event},
};

/// An event as stored in the log.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// The number of the event.
    pub id: i64,
    /// The time of the event.
    pub at: UnixTime,
    /// The name of the event.
    pub event: String,
    /// The user that the event concerns, if there is one.
    pub user_id: Option<String>,
    /// The session of the event, if it has one.
    pub session_id: Option<String>,
    /// The address of the client, if it is known.
    pub ip: Option<String>,
    /// Who caused the event, as [`Actor::text`](crate::domain::audit_event::Actor::text) writes it.
    pub actor: Option<String>,
    /// Further details, as a JSON object.
    pub detail: Value,
}

/// The place of an event in the log, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The time of the event.
    pub at: UnixTime,
    /// The number of the event.
    pub id: i64,
}

impl StoredEvent {
    /// Returns the place of the event in the log.
    pub fn place(&self) -> Place {
        Place { at: self.at, id: self.id }
    }
}

/// The events to read. Each field that is `Some` excludes other events.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The events that concern this user.
    pub user: Option<UserId>,
    /// The events with this name.
    pub event: Option<String>,
    /// The events at this time and later.
    pub since: Option<UnixTime>,
}

/// Appends events about users who exist. At most 1000 at once, so that the statement has not too many placeholders. The session
/// and the address of an event are not stored.
pub async fn insert_many(conn: &mut Conn, events: &[AuditEvent]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let row = |event: &AuditEvent| {
        vec![
            event.at.seconds().into(),
            event.event.as_str().into(),
            event.user.map(|user| user.to_string()).into(),
            Value::Object(event.detail.clone()).to_string().into(),
            event.actor.text().into(),
        ]
    };
    sql("insert into audit_events (at, event, user_id, detail, actor) values ($1, $2, $3, $4, $5)")
        .rows(events.iter().map(row).collect())
        .execute(conn)
        .await?;
    Ok(())
}

/// Appends an event. If the user of the event was deleted in the meantime, only the time and the name of the event are
/// stored. The log does not name an acting user who was deleted: the text is [`Actor::DELETED_USER`].
pub async fn insert(conn: &mut Conn, event: &AuditEvent) -> Result<()> {
    sql("insert into audit_events (at, event, user_id, session_id, ip, detail, actor)
         select $1, $2, id, case when gone then null else $4 end, case when gone then null else $5 end,
            case when gone then '{}' else $6 end,
            case when $7 = 'command_line' or exists (select 1 from users where users.id = $7) or $7 is null then $7
                 else 'deleted_user' end
         from (select (select id from users where id = $3) as id,
                      $3 is not null and not exists (select 1 from users where id = $3) as gone) as who")
    .bind(event.at.seconds())
    .bind(event.event.as_str())
    .bind(event.user.map(|user| user.to_string()))
    .bind(event.session.map(|session| session.to_string()))
    .bind(event.ip.as_deref())
    .bind(serde_json::Value::Object(event.detail.clone()).to_string())
    .bind(event.actor.text())
    .execute(conn)
    .await?;
    Ok(())
}

macro_rules! select_events {
    ($condition:literal) => {
        concat!(
            "select id, at, event, user_id, session_id, ip, actor, detail from audit_events where ",
            $condition,
            " (at, id) < ($1, $2) and at >= $3 order by at desc, id desc limit $4"
        )
    };
}

/// Reads at most `limit` events, newest first, from those that are older than the place `after`. Each form of the statement
/// reads its own index in the order of the result, so its cost does not depend on the length of the log. Events of a user with
/// a name are read as the events of the user, and the caller drops those with another name.
pub async fn page(conn: &mut Conn, filter: &Filter, after: Option<Place>, limit: i64) -> Result<Vec<StoredEvent>> {
    let statement = match (filter.user, &filter.event) {
        (Some(_), _) => sql(select_events!("user_id = $5 and")),
        (None, Some(_)) => sql(select_events!("event = $5 and")),
        (None, None) => sql(select_events!("")),
    };
    let statement = statement
        .bind(after.map_or(i64::MAX, |after| after.at.seconds()))
        .bind(after.map_or(i64::MAX, |after| after.id))
        .bind(filter.since.map_or(i64::MIN, UnixTime::seconds))
        .bind(limit);
    let statement = match (filter.user, &filter.event) {
        (Some(user), _) => statement.bind(user.to_string()),
        (None, Some(event)) => statement.bind(event),
        (None, None) => statement,
    };
    let rows = statement.all(conn).await?;
    rows.iter().map(stored_event).collect()
}

/// Returns at most `limit` events, newest first, from those that are older than the place `after`, and the place of the
/// last one; `None` if there are no more events. Reads a few pages at most: if a user has very many events and few of the
/// wanted kind, the list is shorter than `limit` although there are more events.
pub async fn search(
    conn: &mut Conn,
    filter: &Filter,
    mut after: Option<Place>,
    limit: usize,
) -> Result<(Vec<StoredEvent>, Option<Place>)> {
    let is_wanted = |event: &StoredEvent| filter.event.as_ref().is_none_or(|wanted| *wanted == event.event);
    let mut found = Vec::new();
    for _ in 0..MAX_PAGES {
        let read = page(conn, filter, after, PAGE).await?;
        let may_have_more = read.len() as i64 == PAGE;
        for event in read {
            if found.len() == limit {
                return Ok((found, after));
            }
            after = Some(event.place());
            found.extend(Some(event).filter(is_wanted));
        }
        if !may_have_more {
            return Ok((found, None));
        }
    }
    Ok((found, after))
}

/// Returns the number of events of a kind at `since` and later, but at most `limit`.
pub async fn count(conn: &mut Conn, event: Event, since: UnixTime, limit: i64) -> Result<i64> {
    sql("select count(*) from (select 1 from audit_events where event = $1 and at >= $2 limit $3) as found")
        .bind(event.as_str())
        .bind(since.seconds())
        .bind(limit)
        .value(conn)
        .await
}

/// The number of events that [`search`] reads at once.
const PAGE: i64 = 201;

/// The number of pages after which [`search`] stops.
const MAX_PAGES: usize = 5;

/// Converts a row. Fails with [`Error::Inconsistent`] if the details are not JSON.
fn stored_event(row: &Row) -> Result<StoredEvent> {
    let id = row.get("id")?;
    let broken = |_| Error::inconsistent("audit_events", id, "detail is not JSON");
    Ok(StoredEvent {
        id,
        at: instant(row.get("at")?),
        event: row.get("event")?,
        user_id: row.get("user_id")?,
        session_id: row.get("session_id")?,
        ip: row.get("ip")?,
        actor: row.get("actor")?,
        detail: serde_json::from_str(row.get("detail")?).map_err(broken)?,
    })
}

/// Removes all personal data of a deleted user from the log. Of the events that concern the user, the time, the name and the
/// actor stay. Events that the user caused lose the address, and name a deleted user as the actor. Failed logins of nobody lose
/// their address and their keyed hash if that is one of `name_hashes`, those of the user's names: they were before the account
/// existed.
pub async fn forget_user(conn: &mut Conn, user: UserId, name_hashes: &[String]) -> Result<()> {
    for hash in name_hashes {
        sql("update audit_events set ip = null, detail = '{}'
             where user_id is null and event = 'login_failed' and detail like '%' || $1 || '%'")
        .bind(hash.clone())
        .execute(conn)
        .await?;
    }
    sql("update audit_events set actor = $2, ip = null where actor = $1")
        .bind(user.to_string())
        .bind(Actor::DELETED_USER)
        .execute(conn)
        .await?;
    sql("update audit_events set user_id = null, session_id = null, ip = null, detail = '{}' where user_id = $1")
        .bind(user.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes at most `limit` events whose time is before `before`. Returns the number of deleted rows.
pub async fn delete_expired(conn: &mut Conn, before: UnixTime, limit: i64) -> Result<u64> {
    let has_expired = sql("select 1 from audit_events where at < $1 limit 1").bind(before.seconds());
    // Most sweeps find nothing, and then write nothing.
    if has_expired.optional_value::<i64>(conn).await?.is_none() {
        return Ok(0);
    }
    // The trigger `audit_events_are_not_removed` permits the deletion of events that are older than this time, and of no
    // others. The permission ends with this transaction.
    meta::set(conn, SWEPT_BEFORE, &before.seconds().to_string()).await?;
    let deleted = sql("delete from audit_events where id in (select id from audit_events where at < $1 limit $2)")
        .bind(before.seconds())
        .bind(limit)
        .execute(conn)
        .await?;
    meta::delete(conn, SWEPT_BEFORE).await?;
    Ok(deleted)
}

/// The key in `meta` that the trigger reads.
const SWEPT_BEFORE: &str = "audit_swept_before";

/// Returns the time of the newest event; `None` if the log is empty.
pub async fn newest(conn: &mut Conn) -> Result<Option<UnixTime>> {
    let at: Option<i64> = sql("select max(at) from audit_events").value(conn).await?;
    Ok(at.map(UnixTime::from_seconds))
}

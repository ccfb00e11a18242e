//! What must be true of the rows of a database beyond the checks and foreign keys of its tables. `vestibule check` reads it,
//! and so does every copy before it counts as one.

use super::{
    Conn, Result, clients, roles, sessions,
    sql::{Query, sql},
    users,
};
use crate::domain::{SessionId, UnixTime};

/// The number of rows that are read at once.
const PAGE: i64 = 500;

/// The number of broken rows after which the search stops.
const LISTED: usize = 20;

/// A rule about rows.
struct Invariant {
    /// The sentence for the operator about a row that breaks the rule.
    broken: &'static str,
    /// The statement that returns the ids of the rows that break the rule.
    offenders: Query,
}

/// Returns the rules at `now`.
fn invariants(now: UnixTime) -> Vec<Invariant> {
    let rule = |broken, offenders: Query| Invariant { broken, offenders };
    vec![
        rule(
            "the role admin does not exist",
            sql("select 'admin' from (select count(*) as found from roles where name = 'admin') as counted where found = 0"),
        ),
        rule(
            "no key signs, although there are keys that wait to sign",
            sql("select kid from signing_keys where status = 'next'
                 and not exists (select 1 from signing_keys where status = 'current')"),
        ),
        rule(
            "a session belongs to a device of another user",
            sql("select sessions.id from sessions join devices on devices.id = sessions.device_id
                 where devices.user_id <> sessions.user_id limit 20"),
        ),
        rule(
            "a session was revoked, and the feed of changes does not say so although its tokens have not expired",
            sql("select id from sessions where revoked_at is not null and access_expires_at > $1
                 and not exists (select 1 from changes where kind = 'session_revoked' and subject = sessions.id) limit 20")
            .bind(now.seconds()),
        ),
        rule(
            "a change is announced for a later authorization version than the user has",
            sql("select users.id from changes join users on users.id = changes.subject
                 where kind = 'authorization_version' and value > authorization_version limit 20"),
        ),
        rule(
            "a link was used after it had expired",
            sql("select purpose from one_time_tokens where used_at >= expires_at limit 20"),
        ),
    ]
}

/// Returns the rows that break a rule, at most 20 for each rule.
pub async fn find_broken(conn: &mut Conn, now: UnixTime) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for Invariant { broken, offenders } in invariants(now) {
        let ids: Vec<String> = offenders.values(conn).await?;
        problems.extend(ids.into_iter().map(|id| format!("{broken}: {id}")));
    }
    Ok(problems)
}

/// Reads every account, session, role and client as the server reads them. Returns the rows that the server could not read, at
/// most 20.
pub async fn find_unreadable(conn: &mut Conn) -> Result<Vec<String>> {
    let mut problems: Vec<String> = Vec::new();
    problems.extend(roles::find_all(conn).await.err().map(|error| error.to_string()));
    problems.extend(clients::list(conn).await.err().map(|error| error.to_string()));
    let mut after = String::new();
    while problems.len() < LISTED {
        let ids: Vec<String> = sql("select id from users where id > $1 order by id limit $2")
            .bind(after.clone())
            .bind(PAGE)
            .values(conn)
            .await?;
        let Some(last) = ids.last() else { break };
        problems.extend(users::list_after(conn, &after, PAGE).await.err().map(|error| error.to_string()));
        after.clone_from(last);
    }
    let mut after = String::new();
    while problems.len() < LISTED {
        let ids: Vec<String> = sql("select id from sessions where id > $1 order by id limit $2")
            .bind(after.clone())
            .bind(PAGE)
            .values(conn)
            .await?;
        let Some(last) = ids.last() else { break };
        for id in &ids {
            problems.extend(unreadable_session(conn, id).await);
        }
        after.clone_from(last);
    }
    Ok(problems)
}

/// Returns the reason for which a session can't be read; `None` if it can.
async fn unreadable_session(conn: &mut Conn, id: &str) -> Option<String> {
    match SessionId::parse(id) {
        Some(id) => sessions::find(conn, id).await.err().map(|error| error.to_string()),
        None => Some(format!("table sessions row {id}: the id is not a UUID")),
    }
}

//! Readiness: whether the server can do its work now, check by check.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::{
    domain::UnixTime,
    flows::{Vestibule, steps::check},
    memory::health::Integrity,
    store::file::SchemaVersion,
};

/// The time within which the database must answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time for which the result of a write is used for further callers.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Ok,
    /// Something needs the operator, and the server works nevertheless.
    Warning,
    /// The server can't do its work.
    Failed,
}

/// A check with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The name of the check.
    pub name: &'static str,
    /// Its result.
    pub state: State,
    /// What the result means, in one sentence without paths or data.
    pub detail: &'static str,
}

/// Runs every check.
pub async fn readiness(vestibule: &Vestibule) -> Vec<Check> {
    vec![
        database(vestibule).await,
        keys(vestibule),
        migrations(vestibule).await,
        integrity(vestibule),
        other_copy(vestibule),
        backups(vestibule),
    ]
}

/// Writes a row. So a full disk, a file that can't be written and a lock of another program are found. Callers within a second
/// share one write, because anybody may ask.
async fn database(vestibule: &Vestibule) -> Check {
    let mut probed = vestibule.health.probed.lock().await;
    let (_, is_written, detail) = match *probed {
        Some(last) if last.0.elapsed() < PROBE_EVERY => last,
        _ => *probed.insert(probe(vestibule).await),
    };
    Check { name: "database", state: if is_written { State::Ok } else { State::Failed }, detail }
}

/// Writes a row. Returns when that ended, whether it succeeded, and what that means.
async fn probe(vestibule: &Vestibule) -> (Instant, bool, &'static str) {
    let (is_written, detail) = match timeout(PATIENCE, vestibule.store.probe()).await {
        Ok(Ok(())) => (true, "The database can be written."),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database can't be written");
            (false, "The database can't be written; the log has the cause.")
        }
        Err(_) => (false, "The database did not answer within two seconds."),
    };
    (Instant::now(), is_written, detail)
}

fn keys(vestibule: &Vestibule) -> Check {
    let (state, detail) = match vestibule.keyring.keys().can_sign() {
        true => (State::Ok, "A key signs access tokens."),
        false => (State::Failed, "No key signs access tokens."),
    };
    Check { name: "keys", state, detail }
}

async fn migrations(vestibule: &Vestibule) -> Check {
    let (state, detail) = match timeout(PATIENCE, vestibule.store.schema_version()).await {
        Ok(Ok(SchemaVersion::Present)) => (State::Ok, "The tables are those of this version."),
        Ok(Ok(_)) => (State::Failed, "The tables are not those of this version; restart the server."),
        _ => (State::Failed, "The database can't be read; the log has the cause."),
    };
    Check { name: "migrations", state, detail }
}

fn integrity(vestibule: &Vestibule) -> Check {
    let (state, detail) = match vestibule.health.integrity() {
        Integrity::CleanStop => (State::Ok, "The server was stopped in an orderly way before this start."),
        Integrity::Running => {
            (State::Ok, "The server was not stopped in an orderly way; the database is being checked.")
        }
        Integrity::Sound(_) => (State::Ok, "The check after the last stop has found no damage."),
        Integrity::Damaged(_) => (State::Failed, "The database is damaged; restore a copy."),
    };
    Check { name: "integrity", state, detail }
}

/// Returns whether a refresh token of a later state than that of the database was seen: then another copy of it lives.
fn other_copy(vestibule: &Vestibule) -> Check {
    let (state, detail) = match vestibule.health.newer_copy_at() {
        None => (State::Ok, "No token of another copy of the database was seen."),
        Some(_) => (
            State::Warning,
            "A token was seen that a later state of this database issued: another copy of it is in use, or it was restored with \
             its sessions.",
        ),
    };
    Check { name: "other_copy", state, detail }
}

fn backups(vestibule: &Vestibule) -> Check {
    let state = vestibule.backups.state();
    let (state, detail) = match (vestibule.config.storage.backups(), &state.problem, state.last) {
        (None, ..) => (State::Ok, "The server makes no copies of the database by itself."),
        (_, Some(_), _) => (State::Warning, "The last copy of the database failed; the log has the cause."),
        (_, None, Some(_)) => (State::Ok, "The database was copied."),
        (_, None, None) => (State::Ok, "The database was not copied yet."),
    };
    Check { name: "backups", state, detail }
}

/// Checks the database file if the last stop was not an orderly one, and records the result. It may take long, and other
/// requests are answered meanwhile.
pub async fn check_after_unclean_stop(vestibule: &Vestibule, now: UnixTime) {
    if vestibule.health.integrity() != Integrity::Running {
        return;
    }
    let problems = match check::find_damage(&vestibule.database).await {
        Ok(problems) => problems,
        // SQLITE_CORRUPT and SQLITE_NOTADB. Another error, such as a lock, says nothing about the file.
        Err(error) if ["(code: 11)", "(code: 26)"].iter().any(|code| error.to_string().contains(code)) => {
            vec![error.to_string()]
        }
        Err(error) => return tracing::warn!(%error, "the database can't be checked after a stop that was not orderly"),
    };
    vestibule.health.set_integrity(match problems.is_empty() {
        true => Integrity::Sound(now),
        false => Integrity::Damaged(now),
    });
    if problems.is_empty() {
        tracing::info!("the server was not stopped in an orderly way; the database was checked and has no damage");
    } else {
        let database = vestibule.database.display();
        tracing::error!(%database, ?problems, "the database is damaged; stop the server and restore a copy");
    }
}

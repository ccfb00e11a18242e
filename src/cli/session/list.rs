//! `vestibule session list`.

use std::collections::HashMap;

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        output::{self, Format, or_dash},
        user_arg::{UserArg, display_name},
    },
    domain::{SessionId, UnixTime, UserId, session::Session},
    flows::Vestibule,
    store::{sessions, users},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct List {
    /// Print only the sessions of this user: username, email address or id
    #[arg(value_parser = UserArg::parse)]
    user: Option<UserArg>,
    #[command(flatten)]
    format: Format,
}

/// A session in the JSON output.
#[derive(Serialize)]
struct SessionView<'a> {
    id: SessionId,
    user_id: UserId,
    device_name: Option<&'a str>,
    created_at: UnixTime,
    /// The time of the login or of the last refresh.
    last_used_at: UnixTime,
    /// The time at which the session ends if it is not refreshed.
    expires_at: UnixTime,
    ip: Option<&'a str>,
    user_agent: Option<&'a str>,
    client_id: &'a str,
    /// Whether a refresh must present a fingerprint of the same device.
    device_bound: bool,
}

impl List {
    /// Prints the live sessions, most recent use first, as a table or as JSON. Fails if there is no such user.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = match &self.user {
            Some(who) => Some(who.find(vestibule).await?),
            None => None,
        };
        let now = vestibule.clock.now();
        let mut reader = vestibule.store.read().await?;
        let live = match &user {
            Some(user) => sessions::list_live_by_user(&mut reader, user.id, now).await?,
            None => sessions::list_live(&mut reader, now).await?,
        };
        if self.format.json {
            return output::print_json(&live.iter().map(view).collect::<Vec<_>>());
        }
        let users = match user {
            Some(user) => vec![user],
            None => users::list(&mut reader).await?,
        };
        let names: HashMap<UserId, String> = users.iter().map(|user| (user.id, display_name(user))).collect();
        output::print_table(
            ["ID", "USER", "DEVICE", "CLIENT", "ADDRESS", "CREATED", "LAST USED", "EXPIRES", "BOUND"],
            live.iter().map(|session| row(session, names.get(&session.user_id))),
        )
    }
}

/// Returns a session for the JSON output.
fn view(session: &Session) -> SessionView<'_> {
    SessionView {
        id: session.id,
        user_id: session.user_id,
        device_name: session.device_name.as_deref(),
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.refresh_expires_at,
        ip: session.ip.as_deref(),
        user_agent: session.user_agent.as_deref(),
        client_id: &session.client_id,
        device_bound: session.is_bound(),
    }
}

/// Returns a session as a row of the table. `user` is the name of its user; the user id is printed if it is `None`.
fn row(session: &Session, user: Option<&String>) -> [String; 9] {
    [
        session.id.to_string(),
        user.map_or_else(|| session.user_id.to_string(), ToOwned::to_owned),
        or_dash(session.device_name.as_ref()),
        session.client_id.clone(),
        or_dash(session.ip.as_ref()),
        session.created_at.to_string(),
        session.last_used_at.to_string(),
        session.refresh_expires_at.to_string(),
        if session.is_bound() { "yes" } else { "no" }.to_owned(),
    ]
}

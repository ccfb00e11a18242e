//! `vestibule session revoke`.

use std::collections::BTreeSet;

use clap::Args;

use crate::{
    cli::{Failure, confirm::Confirmation, output, user_arg::UserArg},
    domain::{SessionId, UserId},
    flows::{Vestibule, sessions::revoke_sessions::revoke_of_user, steps::acting::Acting},
    store::sessions::{self, Selection},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Revoke {
    #[command(flatten)]
    sessions: Selected,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// The sessions to revoke. Exactly one argument is given.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Selected {
    /// The id of the session
    #[arg(value_parser = session_id)]
    id: Option<SessionId>,
    /// Revoke all sessions of this user: username, email address or id
    #[arg(long, value_name = "USER", value_parser = UserArg::parse)]
    user: Option<UserArg>,
    /// Revoke all sessions of all users
    #[arg(long)]
    all: bool,
}

/// Reads the id of a session.
fn session_id(text: &str) -> Result<SessionId, &'static str> {
    SessionId::parse(text).ok_or("not the id of a session; `vestibule session list` prints the ids")
}

impl Revoke {
    /// Revokes the sessions, and prints the number of revoked sessions that were live. Fails if the named session or user does
    /// not exist.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let chosen = match self.sessions {
            Selected { id: Some(id), .. } => vec![(owner(vestibule, id).await?, Selection::One(id))],
            Selected { user: Some(who), .. } => vec![(who.find(vestibule).await?.id, Selection::All)],
            Selected { .. } => {
                self.confirmation.ask("End all sessions of all users?")?;
                signed_in(vestibule).await?.into_iter().map(|user| (user, Selection::All)).collect()
            }
        };
        let context = Acting::operator(vestibule.clock.now());
        let mut revoked = 0;
        for (user, selection) in chosen {
            revoked += revoke_of_user(vestibule, user, selection, &context).await?;
        }
        output::print(&format!("{revoked} {} revoked", if revoked == 1 { "session" } else { "sessions" }))
    }
}

/// Returns the user of the session. Fails if there is no such session.
async fn owner(vestibule: &Vestibule, id: SessionId) -> Result<UserId, Failure> {
    let session = sessions::find(&mut *vestibule.store.read().await?, id).await?;
    let session =
        session.ok_or_else(|| Failure::new(format!("there is no session {id}; see `vestibule session list`")))?;
    Ok(session.user_id)
}

/// Returns the users with a live session.
async fn signed_in(vestibule: &Vestibule) -> Result<BTreeSet<UserId>, Failure> {
    let live = sessions::list_live(&mut *vestibule.store.read().await?, vestibule.clock.now()).await?;
    Ok(live.iter().map(|session| session.user_id).collect())
}

//! `vestibule client remove`.

use clap::Args;

use crate::{
    cli::{Failure, output},
    flows::{Vestibule, clients::remove_client::remove_client, steps::acting::Acting},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Remove {
    /// The id of the client
    id: String,
}

impl Remove {
    /// Removes the client from the database, and ends its sessions.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let acting = Acting::operator(vestibule.clock.now());
        let ended = remove_client(vestibule, &self.id, &acting).await?;
        let sessions = if ended == 1 { "session" } else { "sessions" };
        output::print(&format!("removed the client {}, and ended {ended} {sessions}", self.id))
    }
}

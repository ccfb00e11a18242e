//! `vestibule demo`: the demonstration of the fingerprint for a terminal. It runs a server of its own on a temporary database,
//! with a sample browser, by the flows of login and refresh. It reads and changes nothing else.

mod screen;
mod stage;
mod story;

use std::io::{self, IsTerminal as _};

use clap::Args;

use self::{screen::Screen, stage::Stage};
use super::Failure;

/// The arguments.
#[derive(Args)]
pub(super) struct Demo {
    /// Do not wait for the Enter key before each answer
    #[arg(long)]
    no_wait: bool,
}

impl Demo {
    /// Tells the whole story.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let stage = Stage::build().await?;
        let waits = !self.no_wait && io::stdin().is_terminal() && io::stdout().is_terminal();
        let told = story::tell(&stage, &Screen { waits }).await;
        stage.close().await;
        told
    }
}

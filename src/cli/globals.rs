//! What every command takes.

use std::path::PathBuf;

use clap::Args;

/// What every command takes.
#[derive(Args)]
pub(super) struct Globals {
    /// Where the database and the root secret are
    #[arg(long, global = true, value_name = "PATH", display_order = 100)]
    pub(super) data_dir: Option<PathBuf>,
    /// The configuration file, instead of Rocket.toml
    #[arg(long, global = true, value_name = "FILE", display_order = 100)]
    pub(super) config: Option<PathBuf>,
}

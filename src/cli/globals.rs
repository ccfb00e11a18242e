//! The options that every command accepts.

use std::path::PathBuf;

use clap::Args;

/// The options that every command accepts.
#[derive(Args)]
pub(super) struct Globals {
    /// The directory of the database and the root secret, instead of the setting data_dir
    #[arg(long, global = true, value_name = "PATH", display_order = 100)]
    pub(super) data_dir: Option<PathBuf>,
    /// The configuration file, instead of Rocket.toml and /etc/vestibule.toml; also by VESTIBULE_CONFIG
    #[arg(long, global = true, value_name = "FILE", display_order = 100)]
    pub(super) config: Option<PathBuf>,
}

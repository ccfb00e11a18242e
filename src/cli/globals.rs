//! The options that every command accepts.

use std::path::PathBuf;

use clap::{
    Args, ValueHint,
    builder::{OsStringValueParser, TypedValueParser as _},
};

/// The options that every command accepts.
#[derive(Args)]
pub(super) struct Globals {
    /// The directory of the database and the root secret, instead of the setting data_dir
    #[arg(long, global = true, value_name = "PATH", display_order = 100, value_hint = ValueHint::DirPath)]
    #[arg(value_parser = OsStringValueParser::new().try_map(|path| path.into_string().map_err(|_| "must be UTF-8")))]
    pub(super) data_dir: Option<String>,
    /// The configuration file, instead of Rocket.toml and /etc/vestibule.toml; the variable VESTIBULE_CONFIG can name it too
    #[arg(long, global = true, value_name = "FILE", display_order = 100)]
    pub(super) config: Option<PathBuf>,
}

//! `vestibule config check`.

use clap::Args;

use crate::cli::{Failure, output};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Check {
    /// Of `vestibule dev` instead of `vestibule serve`
    #[arg(long)]
    pub(super) dev: bool,
}

/// Says so: loading it was the check.
pub(super) fn run() -> Result<(), Failure> {
    output::print("configuration is valid")
}

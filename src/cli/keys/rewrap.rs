//! `vestibule keys rewrap`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{Failure, output, own_files::refuse_database},
    domain::audit_event::RequestContext,
    files::read_root_secret,
    flows::{
        Vestibule,
        open::rewrap::{RewrapError, rewrap},
    },
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Rewrap {
    /// The file with the new root secret, if root_secret is configured; /dev/stdin reads it from stdin
    #[arg(long, value_name = "FILE")]
    new_secret_file: Option<PathBuf>,
}

impl Rewrap {
    /// Replaces the root secret, and prints where the new secret is. Fails if the file has no suitable secret.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let new_secret = match &self.new_secret_file {
            Some(path) => {
                refuse_database(vestibule, "use", path)?;
                let wrong = |wrong| Failure::new(format!("the new secret in {} {wrong}", path.display()));
                Some(read_root_secret(path).map_err(wrong)?)
            }
            None => None,
        };
        let rewrapped = rewrap(vestibule, new_secret, &RequestContext::command_line(vestibule.clock.now())).await;
        let rewrapped = rewrapped.map_err(|error| match error {
            RewrapError::Open(error) => error.into(),
            other => Failure::of(&other),
        })?;
        let keys = format!("{} signing {}", rewrapped.keys, if rewrapped.keys == 1 { "key" } else { "keys" });
        output::print(&match rewrapped.file {
            Some(file) => {
                format!("{} contains a new root secret, which protects {keys}; keep a copy of it", file.display())
            }
            None => format!("the new root secret protects {keys}; put it into the configuration before the next start"),
        })
    }
}

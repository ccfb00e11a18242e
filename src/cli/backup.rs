//! `vestibule backup`: writes a copy of the database into a file.

use std::path::PathBuf;

use clap::Args;

use super::{
    Failure,
    failure::{chain, remedy_of_space},
    output,
};
use crate::{
    config::Config,
    domain::UnixTime,
    flows::{
        open::database_of,
        steps::{copy::copy, disk},
    },
};

/// The arguments.
#[derive(Args)]
pub(super) struct Backup {
    /// The file of the copy; an earlier copy of this name is replaced
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Backup {
    /// Copies the database, with a server or without one, and prints what the copy does not contain.
    pub(super) async fn run(self, config: &Config, now: UnixTime) -> Result<(), Failure> {
        let database = database_of(config)?;
        let copied = copy(&database, &self.file, now).await.map_err(|error| {
            let text = chain(&error);
            let remedy = remedy_of_space(&text).unwrap_or_default();
            Failure::new(format!("{text}{remedy}"))
        })?;
        let file = config.storage.data_dir.join("secret.key");
        let secret = match config.keys.root_secret() {
            None if file.exists() => format!("the file {}", file.display()),
            None => "the root secret, which is not in the data directory,".to_owned(),
            Some(_) => "the root_secret of the configuration".to_owned(),
        };
        if disk::is_same(&database, &copied.file) {
            output::note("the copy is on the same disk as the database, so it does not help if that disk is lost");
        }
        output::print(&format!(
            "copied the database to {} ({} KiB), opened the copy and checked it\n\
             the root secret is not in it: keep a copy of {secret} apart from this file; without it nobody stays signed in",
            copied.file.display(),
            copied.bytes.div_ceil(1024)
        ))
    }
}

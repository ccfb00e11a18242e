//! `vestibule check`: says whether a database is sound.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    Failure,
    output::{self, Format},
};
use crate::{
    config::Config,
    domain::UnixTime,
    flows::{
        backup::check::{check_file, check_own},
        open::database_of,
        steps::check::{Report, refuse_other_files},
    },
    store::file::SchemaVersion,
};

/// The arguments.
#[derive(Args)]
pub(super) struct Check {
    /// A copy to check, instead of the database
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

impl Check {
    /// Checks the file and prints every check with its result. Fails if there is a problem.
    pub(super) async fn run(self, config: &Config, now: UnixTime) -> Result<(), Failure> {
        let is_copy = self.file.is_some();
        let (path, report) = match self.file {
            Some(file) => {
                refuse_other_files(&file)
                    .map_err(|error| Failure::new(format!("can't check {}: {error}", file.display())))?;
                let report = check_file(&file, now).await?;
                (file, report)
            }
            None => (database_of(config)?, check_own(config, now).await?),
        };
        if self.format.json { print_json(&path, &report) } else { print_table(&report) }?;
        match report.problems().len() {
            0 => Ok(()),
            count => {
                let remedy = match is_copy {
                    true => "do not restore it; look for another copy",
                    false => "stop the server, keep the file, and restore a copy with `vestibule restore`",
                };
                let path = path.display();
                Err(Failure::new(format!("the database {path} has {count} problems, listed above; {remedy}")))
            }
        }
    }
}

fn print_table(report: &Report) -> Result<(), Failure> {
    output::print_table(
        ["CHECK", "OF", "RESULT"],
        report.checks.iter().flat_map(|checked| {
            let row = |result: &str| [checked.name.to_owned(), checked.about.to_owned(), result.to_owned()];
            match checked.problems.is_empty() {
                true => vec![row("ok")],
                false => checked.problems.iter().map(|problem| row(problem)).collect(),
            }
        }),
    )?;
    match report.version {
        SchemaVersion::Older(version) => {
            output::note(&format!(
                "the tables are of an earlier version ({version}), so only damage was looked for; the next start of the server \
                 updates them"
            ));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn print_json(path: &std::path::Path, report: &Report) -> Result<(), Failure> {
    let checks: serde_json::Map<String, serde_json::Value> = report
        .checks
        .iter()
        .map(|checked| {
            (checked.name.to_owned(), json!({"ok": checked.problems.is_empty(), "problems": checked.problems}))
        })
        .collect();
    output::print_json(&json!({"file": path, "ok": report.problems().is_empty(), "checks": checks}))
}

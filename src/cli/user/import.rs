//! `vestibule user import`.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::accounts_file::AccountsFile;
use crate::{
    cli::{Failure, output, own_files::refuse_database, printable::printable},
    flows::{
        Vestibule,
        users::import_users::{ImportError, Imported, Named, Options, Progress, Report, check_users, import_users},
    },
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Import {
    /// The file: CSV with the names of the fields in its first line, or a JSON object on each line
    file: PathBuf,
    /// Check every row and say what would be imported, but change nothing
    #[arg(long)]
    dry_run: bool,
    /// What to do with a row if an account has its id, username or email address
    #[arg(long, value_enum, default_value_t = OnConflict::Fail)]
    on_conflict: OnConflict,
    /// Grant the roles and permissions that the file has; the end of the output lists them
    #[arg(long)]
    allow_roles: bool,
}

/// What to do with a row that conflicts with an account.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnConflict {
    /// Import nothing
    Fail,
    /// Leave the row out
    Skip,
}

impl Import {
    /// Returns whether the command changes nothing.
    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Imports the accounts of the file, all or none. Prints each bad row with its line and its problem on stderr, and what was
    /// imported and granted on stdout.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::new(format!("can't import {}: {error}", self.file.display()));
        refuse_database(vestibule, "import", &self.file)?;
        let file = AccountsFile::open(self.file.clone()).map_err(failed)?;
        let options = Options { allow_roles: self.allow_roles, skip_conflicts: self.on_conflict == OnConflict::Skip };
        let (bar, report) = progress();
        let imported = if self.dry_run {
            check_users(vestibule, &file, options, &report).await
        } else {
            import_users(vestibule, Arc::new(file), options, report).await
        };
        bar.finish_and_clear();
        match imported {
            Ok(imported) => self.print(&imported),
            Err(ImportError::File(error)) => Err(failed(error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Prints what was imported, or would be.
    fn print(&self, imported: &Imported) -> Result<(), Failure> {
        let (did, count) = (if self.dry_run { "would import" } else { "imported" }, imported.added);
        let mut lines = vec![format!("{did} {count} {}", if count == 1 { "user" } else { "users" })];
        if imported.skipped > 0 {
            lines.push(format!(
                "left out: {}, because an account has the id, username or email address",
                imported.skipped
            ));
        }
        if imported.without_password.users > 0 {
            let names = list(&imported.without_password);
            lines.push(format!("without a password: {names}; print a link for each with `vestibule user invite NAME`"));
        }
        if imported.verified > 0 {
            lines.push(format!("with a verified address, which applications may rely on: {}", imported.verified));
        }
        if imported.with_claims > 0 {
            lines.push(format!("with custom claims, which tokens contain: {}", imported.with_claims));
        }
        output::print(&lines.join("\n"))?;
        let granted = if self.dry_run { "WOULD GRANT" } else { "GRANTED" };
        let roles = granted_rows("role", &imported.roles);
        let rows: Vec<[String; 3]> = roles.chain(granted_rows("permission", &imported.permissions)).collect();
        if rows.is_empty() { Ok(()) } else { output::print_table([granted, "USERS", "NAMES"], rows) }
    }
}

/// Returns the rows of the table of what was granted.
fn granted_rows<'g>(kind: &'g str, granted: &'g BTreeMap<String, Named>) -> impl Iterator<Item = [String; 3]> + 'g {
    granted.iter().map(move |(name, users)| [format!("{kind} {name}"), users.users.to_string(), list(users)])
}

/// Returns the names of users as a list.
fn list(users: &Named) -> String {
    let names = users.names.join(", ");
    let more = users.users - users.names.len() as u64;
    if more > 0 { format!("{names} and {more} more") } else { names }
}

/// Returns a progress bar on stderr, and the report that moves it and prints the bad rows. The bar is shown on a terminal only.
fn progress() -> (ProgressBar, Report) {
    let bar = ProgressBar::new_spinner();
    let style = |template| ProgressStyle::with_template(template).expect("a template");
    bar.set_style(style("checked {human_pos} rows"));
    let shown = bar.clone();
    let report = move |progress: Progress<'_>| match progress {
        Progress::RowsDone(rows) => shown.inc(rows as u64),
        Progress::Bad(line, problem) | Progress::LeftOut(line, problem) => shown.suspend(|| {
            // If stderr can't be written, the problem can't be reported anywhere else.
            writeln!(io::stderr(), "line {line}: {}", printable(problem)).ok();
        }),
        Progress::AllChecked(rows) => {
            shown.set_style(style("importing {wide_bar} {human_pos} of {human_len} ({eta} left)"));
            shown.set_length(rows);
            shown.set_position(0);
        }
    };
    (bar, Arc::new(report))
}

//! Import users: the accounts of a file, all or none.
//!
//! The file is read twice. The first time, every row is checked, and nothing is locked. The second time, the accounts are
//! inserted in one transaction, which checks every row again, because the database and the file may have changed. So a running
//! server waits only for the insertion.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

pub use crate::flows::steps::account_rows::{Options, Row, Source};
use crate::{
    domain::{
        Email, Permission, RoleName, Username,
        audit_event::{AuditEvent, Event, RequestContext},
        permission::ADMIN_ROLE,
    },
    flows::{
        Vestibule,
        steps::account_rows::{CheckedRows, Outcome, RowsError, Rules},
    },
    store::{
        self, Tx,
        accounts::{self, Account},
        audit,
    },
};

/// The greatest number of names in a [`Named`].
pub const NAMED: usize = 100;

/// What happens during an import.
#[derive(Debug)]
pub enum Progress<'p> {
    /// This number of rows was checked, or inserted.
    RowsDone(usize),
    /// The row with this line has this problem.
    Bad(u64, &'p str),
    /// The row with this line is left out, and perhaps should not be, for this reason.
    LeftOut(u64, &'p str),
    /// All rows are checked. Contains their number.
    AllChecked(u64),
}

/// Receives what happens during an import.
pub type Report = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// The outcome of an import.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The number of accounts that were inserted.
    pub added: u64,
    /// The number of rows that were left out because of a conflict.
    pub skipped: u64,
    /// The inserted accounts without a password.
    pub without_password: Named,
    /// The number of inserted accounts with custom claims.
    pub with_claims: u64,
    /// The number of inserted accounts with a verified address.
    pub verified: u64,
    /// The granted roles, and who has them.
    pub roles: BTreeMap<String, Named>,
    /// The permissions that were granted directly, and who has them.
    pub permissions: BTreeMap<String, Named>,
}

/// Some of the imported users.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The number of users.
    pub users: u64,
    /// The names of the first [`NAMED`] of them; of all of them for the role `admin`.
    pub names: Vec<String>,
}

/// An error of an import. Nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// This number of rows have problems, which were reported.
    #[error("{} so nothing was imported; correct the file and run the command again", rows(*.0))]
    BadRows(u64),
    /// The row with this line could not be inserted, although it could be when it was checked.
    #[error("line {0}: {1}; nothing was imported")]
    Changed(u64, String),
    /// The file can't be read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<RowsError> for ImportError {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::File(error) => Self::File(error),
            RowsError::Store(error) => Self::Store(error),
        }
    }
}

/// Checks the rows of a file. Returns what [`import_users`] would do. Changes nothing.
pub async fn check_users(
    vestibule: &Vestibule,
    source: &impl Source,
    options: Options,
    report: &Report,
) -> Result<Imported, ImportError> {
    let mut conn = vestibule.store.read().await?;
    let rules = Rules::new(vestibule, options);
    let mut reading = CheckedRows::begin(&mut conn, &rules, source).await?;
    let (mut tally, mut all, mut bad) = (Imported::default(), 0, 0);
    while let Some(batch) = reading.next_batch(&mut conn).await? {
        for (line, outcome) in &batch {
            match outcome {
                Outcome::New(account) => tally.add(account),
                Outcome::LeftOut(doubt) => {
                    doubt.iter().for_each(|doubt| report(Progress::LeftOut(*line, doubt)));
                    tally.skipped += 1;
                }
                Outcome::Bad(problems) => {
                    problems.iter().for_each(|problem| report(Progress::Bad(*line, problem)));
                    bad += 1;
                }
            }
        }
        all += batch.len() as u64;
        report(Progress::RowsDone(batch.len()));
    }
    report(Progress::AllChecked(all));
    if bad > 0 { Err(ImportError::BadRows(bad)) } else { Ok(tally) }
}

/// Inserts the accounts of a file, after [`check_users`].
pub async fn import_users(
    vestibule: &Vestibule,
    source: Arc<impl Source>,
    options: Options,
    report: Report,
) -> Result<Imported, ImportError> {
    check_users(vestibule, &*source, options, &report).await?;
    let rules = Rules::new(vestibule, options);
    // The transaction is undone by an error of the store, which can't contain the reason.
    let reason = Arc::new(Mutex::new(None));
    let reason_of_job = Arc::clone(&reason);
    let written = vestibule.store.write(async move |tx| match insert(tx, &rules, &*source, &report).await {
        Ok(tally) => Ok(tally),
        Err(ImportError::Store(error)) => Err(error),
        Err(error) => {
            *reason_of_job.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Err(store::Error::Undone)
        }
    });
    let written = written.await;
    let reason = reason.lock().unwrap_or_else(PoisonError::into_inner).take();
    match reason {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

/// Inserts the accounts of a file, and an audit event for the import and for each account with roles or permissions.
async fn insert(tx: &mut Tx, rules: &Rules, source: &impl Source, report: &Report) -> Result<Imported, ImportError> {
    let (mut tally, context) = (Imported::default(), &rules.context);
    let mut reading = CheckedRows::begin(tx, rules, source).await?;
    while let Some(batch) = reading.next_batch(tx).await? {
        let mut new = Vec::new();
        for (line, outcome) in &batch {
            match outcome {
                Outcome::New(account) => new.push(&**account),
                Outcome::LeftOut(_) => tally.skipped += 1,
                Outcome::Bad(problems) => return Err(ImportError::Changed(*line, problems.join("; "))),
            }
        }
        accounts::insert(tx, &new).await?;
        let granted = new.iter().filter(|account| is_granted_something(account));
        audit::insert_many(tx, &granted.map(|account| grant_event(account, context)).collect::<Vec<_>>()).await?;
        new.iter().for_each(|account| tally.add(account));
        report(Progress::RowsDone(batch.len()));
    }
    if tally.added > 0 {
        let event = AuditEvent::new(Event::UsersImported, context);
        let event = event.detail("users", tally.added).detail("skipped", tally.skipped);
        audit::insert(tx, &event.detail("verified", tally.verified).detail("with_claims", tally.with_claims)).await?;
    }
    Ok(tally)
}

/// Returns the audit event of an account with roles or permissions.
fn grant_event(account: &Account, context: &RequestContext) -> AuditEvent {
    let roles: Vec<&str> = account.roles.iter().map(RoleName::as_str).collect();
    let permissions: Vec<&str> = account.permissions.iter().map(Permission::as_str).collect();
    let event = AuditEvent::new(Event::UserAdded, context).user(account.id).detail("by", "import");
    event.detail("roles", roles).detail("permissions", permissions)
}

fn is_granted_something(account: &Account) -> bool {
    !account.roles.is_empty() || !account.permissions.is_empty()
}

/// Returns the name by which a person recognises the account.
fn name(account: &Account) -> String {
    let (username, email) = (account.username.as_ref(), account.email.as_ref());
    let name = username.map(Username::as_str).or(email.map(Email::as_str));
    name.map_or_else(|| account.id.to_string(), str::to_owned)
}

impl Imported {
    /// Counts an inserted account.
    fn add(&mut self, account: &Account) {
        let name = name(account);
        self.added += 1;
        self.with_claims += u64::from(account.claims != "{}");
        self.verified += u64::from(account.email_verified_at.is_some());
        if account.password.is_none() {
            self.without_password.add(&name, NAMED);
        }
        for role in account.roles.iter().map(RoleName::as_str) {
            // Every admin is named.
            let named = if role == ADMIN_ROLE { usize::MAX } else { NAMED };
            self.roles.entry(role.to_owned()).or_default().add(&name, named);
        }
        for permission in &account.permissions {
            self.permissions.entry(permission.as_str().to_owned()).or_default().add(&name, NAMED);
        }
    }
}

impl Named {
    /// Counts a user, and keeps the name if fewer than `most` are kept.
    fn add(&mut self, name: &str, most: usize) {
        self.users += 1;
        if self.names.len() < most {
            self.names.push(name.to_owned());
        }
    }
}

/// Returns that this number of rows have problems, in words.
fn rows(count: u64) -> String {
    if count == 1 { "1 row has a problem,".to_owned() } else { format!("{count} rows have problems,") }
}

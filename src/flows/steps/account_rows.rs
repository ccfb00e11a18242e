//! The rows of a file of accounts, read and checked for an import.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, RandomState},
    io,
};

use crate::{
    config::UsernameField,
    domain::{
        Permission, RoleName, Roles, UnixTime, UserId,
        account_record::AccountRecord,
        audit_event::RequestContext,
        claims::{self, TokenSizeBudget},
    },
    flows::{Vestibule, steps::names::check_names},
    memory::hasher::Hasher,
    random,
    store::{
        self, Conn,
        accounts::{self, Account, Conflict},
        changes, roles,
    },
};

/// A file of accounts.
pub trait Source: Send + Sync + 'static {
    /// Returns the rows of the file, from its beginning. Fails if the file can't be read, or is no file of accounts.
    fn rows(&self) -> io::Result<Box<dyn Iterator<Item = io::Result<Row>> + Send + '_>>;
}

/// A row of a file.
pub struct Row {
    /// The number of its first line in the file, from 1.
    pub line: u64,
    /// The account, or all problems of the row.
    pub record: Result<AccountRecord, Vec<String>>,
}

/// What an import accepts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether rows may have roles and permissions.
    pub allow_roles: bool,
    /// Whether a row is left out if an account with its id, username or email address exists.
    pub skip_conflicts: bool,
}

/// An error while rows are read.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The file can't be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What becomes of a row.
pub enum Outcome {
    /// The account is inserted.
    New(Box<Account>),
    /// An account with the id or one of the names exists, and the row is left out. Contains a sentence about it if the account
    /// may be that of another person.
    LeftOut(Option<String>),
    /// The row has these problems.
    Bad(Vec<String>),
}

/// A file whose rows are read and checked one after the other.
pub struct CheckedRows<'s> {
    rules: &'s Rules,
    /// The roles of the database.
    known: Roles,
    /// The ids of users who were deleted so recently that their tokens are still remembered as revoked.
    deleted: HashSet<String>,
    earlier: EarlierRows,
    rows: Box<dyn Iterator<Item = io::Result<Row>> + Send + 's>,
}

impl<'s> CheckedRows<'s> {
    /// Begins to read a file.
    pub async fn begin(conn: &mut Conn, rules: &'s Rules, source: &'s impl Source) -> Result<Self, RowsError> {
        let known = roles::find_all(conn).await?;
        let deleted = changes::list_deleted_users(conn).await?.into_iter().collect();
        Ok(Self { rules, known, deleted, earlier: EarlierRows::default(), rows: source.rows()? })
    }

    /// Reads and checks some rows. Returns the line and the outcome of each; `None` after the last row.
    pub async fn next_batch(&mut self, conn: &mut Conn) -> Result<Option<Vec<(u64, Outcome)>>, RowsError> {
        let mut batch = Vec::new();
        for row in self.rows.by_ref().take(accounts::BATCH) {
            let row = row?;
            let checked = row.record.and_then(|record| self.rules.check(record, &self.known));
            let checked = checked.and_then(|account| check_not_deleted(account, &self.deleted));
            let checked = checked.and_then(|account| self.earlier.insert(&account, row.line).map(|()| account));
            batch.push((row.line, checked.map_or_else(Outcome::Bad, |account| Outcome::New(Box::new(account)))));
        }
        let accounts: Vec<&Account> = batch.iter().filter_map(|(_, outcome)| outcome.account()).collect();
        let conflicts = accounts::find_conflicts(conn, &accounts).await?;
        let new = batch.iter_mut().map(|(_, outcome)| outcome).filter(|outcome| outcome.account().is_some());
        for (outcome, conflict) in new.zip(conflicts) {
            match conflict {
                Some(conflict) if self.rules.options.skip_conflicts => *outcome = Outcome::LeftOut(doubt(conflict)),
                Some(conflict) => *outcome = Outcome::Bad(vec![message(conflict)]),
                None => {}
            }
        }
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }
}

/// Checks that the id of the account is not among those of deleted users. Every token with such an id would be refused.
fn check_not_deleted(account: Account, deleted: &HashSet<String>) -> Result<Account, Vec<String>> {
    if deleted.contains(&account.id.to_string()) {
        return Err(vec![
            "id is that of a user who was deleted here; remove the row or its id, or import it some days later"
                .to_owned(),
        ]);
    }
    Ok(account)
}

impl Outcome {
    /// Returns the account if it is inserted.
    fn account(&self) -> Option<&Account> {
        match self {
            Self::New(account) => Some(account),
            Self::LeftOut(_) | Self::Bad(_) => None,
        }
    }
}

/// What a row is checked against.
#[derive(Clone)]
pub struct Rules {
    options: Options,
    username_field: UsernameField,
    hasher: Hasher,
    room: TokenSizeBudget,
    /// The time of the import, and who imports.
    pub context: RequestContext,
}

impl Rules {
    /// Returns the rules for a file.
    pub fn new(vestibule: &Vestibule, options: Options) -> Self {
        Self {
            options,
            username_field: vestibule.config.passwords.username_field,
            hasher: vestibule.hasher.clone(),
            room: vestibule.token_size_budget(),
            context: RequestContext::command_line(vestibule.clock.now()),
        }
    }

    /// Returns the account of a row. Fails with all problems of the row.
    fn check(&self, record: AccountRecord, known: &Roles) -> Result<Account, Vec<String>> {
        let mut problems = Vec::new();
        let (has_username, has_email) = (record.username.is_some(), record.email.is_some());
        if let Err((field, problem)) = check_names(self.username_field, has_username, has_email) {
            problems.push(format!("{field} {problem}"));
        }
        if record.email_verified && !has_email {
            problems.push("email_verified needs an email".to_owned());
        }
        let mut password = None;
        if let Some(hash) = &record.password_hash {
            match self.hasher.check_foreign(hash) {
                Ok(parsed) => password = Some(parsed.to_stored()),
                Err(problem) => problems
                    .push(format!("password_hash {problem}; if the user is to get a link instead, leave it out")),
            }
        }
        let now = self.context.now;
        let created_at = record.created_at.unwrap_or(now);
        if created_at > now.plus(DAY) || created_at < UnixTime::from_seconds(0) {
            problems.push("created_at must be between 1970 and today, in seconds if it is a number".to_owned());
        }
        problems.extend(self.check_granted(&record, known));
        problems.extend(self.check_claims(&record, known).err());
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Account {
            // The ids are in the order of creation.
            id_is_given: record.id.is_some(),
            id: record.id.unwrap_or_else(|| UserId::new(created_at, random::bytes())),
            username: record.username,
            email: record.email,
            email_verified_at: record.email_verified.then_some(now),
            disabled_at: record.disabled.then_some(now),
            claims: serde_json::Value::Object(record.claims).to_string(),
            created_at,
            password,
            roles: record.roles,
            permissions: record.permissions,
        })
    }

    /// Returns the problems of the roles and permissions of a row.
    fn check_granted(&self, record: &AccountRecord, known: &Roles) -> Vec<String> {
        let roles = record.roles.iter().map(RoleName::as_str);
        if !self.options.allow_roles && (!record.roles.is_empty() || !record.permissions.is_empty()) {
            let names: Vec<&str> = roles.chain(record.permissions.iter().map(Permission::as_str)).collect();
            let what = names.join(", ");
            return vec![format!(
                "has roles or permissions ({what}); add --allow-roles to grant them, or leave the field out"
            )];
        }
        let unknown = roles.filter(|role| !known.has(role));
        unknown
            .map(|role| format!("roles has {role:?}, which does not exist; add it with `vestibule role set`"))
            .collect()
    }

    /// Checks the custom claims, and that claims, roles and permissions fit into a token.
    fn check_claims(&self, record: &AccountRecord, known: &Roles) -> Result<(), String> {
        claims::check_custom(&record.claims)?;
        let roles: Vec<String> = record.roles.iter().map(|role| role.as_str().to_owned()).collect();
        let permissions = known.of_user(roles.iter().map(String::as_str), &record.permissions);
        self.room.check(&record.claims, &roles, &permissions)
    }
}

/// The seconds of a day: the tolerance for the clock of the other system.
const DAY: i64 = 24 * 3600;

/// The ids and names of the rows without other problems, with the line of each. Only hashes of them are kept, with 24 bytes for
/// each. If two had the same hash, a row would be refused without a reason, which happens once in billions of files.
#[derive(Default)]
struct EarlierRows {
    hasher: RandomState,
    /// For each hash the number and the line of the row.
    rows: HashMap<u64, (u64, u64)>,
    /// The number of rows that were added.
    count: u64,
}

impl EarlierRows {
    /// Adds the id and the names of a row. Fails with the problems if an earlier row has one of them.
    fn insert(&mut self, account: &Account, line: u64) -> Result<(), Vec<String>> {
        let username = account.username.as_ref().map(|name| ("username", name.key().to_owned()));
        let email = account.email.as_ref().map(|email| ("email", email.key().to_owned()));
        let named = [Some(("id", account.id.to_string())), username, email];
        self.count += 1;
        let mut problems = Vec::new();
        for (field, value) in named.into_iter().flatten() {
            let hash = self.hasher.hash_one((field, value));
            let (number, earlier) = *self.rows.entry(hash).or_insert((self.count, line));
            if number != self.count {
                problems.push(format!("{field} is the same as in line {earlier}"));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Returns the problem of a row that conflicts with an account.
fn message(conflict: Conflict) -> String {
    format!("{} is taken by an account; leave such rows out with --on-conflict skip", conflict.field.as_str())
}

/// Returns a sentence about a row that is left out, if the account may be that of another person: their names differ.
fn doubt(conflict: Conflict) -> Option<String> {
    let field = conflict.field.as_str();
    (!conflict.is_same).then(|| format!("left out; the account that has its {field} differs in another field"))
}

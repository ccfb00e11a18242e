//! What `crate::fuzzing` calls of the commands: the reader of files of accounts, with the checks of its rows.

use std::{fs, path::Path};

use super::{accounts_file::AccountsFile, export::Writer};
use crate::{
    domain::{
        UnixTime, User, UserId,
        account_record::{AccountRecord, ExportedAccount},
        password_hash::{ParsedHash, PasswordHash},
    },
    flows::users::import_users::Source as _,
};

/// A text that may be in a value of a row, and never in a message.
const MARK: &str = "hunter2$";

/// Reads the file at `path`, whose content is `data`. The lines of the rows ascend and are lines of the file, no problem
/// contains a value, and an account that is read is read again from its export.
pub(crate) fn accounts(path: &Path, data: &[u8]) {
    let lines = data.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    let check_message = |text: &str| {
        assert!(!text.is_empty() && !text.contains('\n'), "{text:?} is one line");
        assert!(!text.contains(MARK), "{text:?} contains a value");
    };
    let file = match AccountsFile::open(path.to_owned()) {
        Ok(file) => file,
        Err(error) => return check_message(&error.to_string()),
    };
    let rows = match file.rows() {
        Ok(rows) => rows,
        Err(error) => return check_message(&error.to_string()),
    };
    let mut last = 0;
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(error) => return check_message(&error.to_string()),
        };
        assert!(row.line > last && row.line <= lines, "line {} after {last}, of {lines}", row.line);
        last = row.line;
        match row.record {
            Ok(record) => check_export(path, &record),
            Err(problems) => {
                assert!(!problems.is_empty(), "a refusal has a reason");
                problems.iter().for_each(|problem| check_message(problem));
            }
        }
    }
}

/// Exports an account in both formats, and reads it again.
fn check_export(path: &Path, record: &AccountRecord) {
    let created_at = record.created_at.unwrap_or(UnixTime::from_seconds(1_800_000_000));
    // The import refuses other times.
    if !(0..=4_000_000_000).contains(&created_at.seconds()) {
        return;
    }
    let hash = record.password_hash.as_deref().and_then(|hash| ParsedHash::parse_foreign(hash).ok());
    let stored: Option<PasswordHash> = hash.as_ref().map(ParsedHash::to_stored);
    let user = User {
        id: record.id.unwrap_or_else(|| UserId::new(created_at, [3; 10])),
        username: record.username.as_ref().map(|name| name.as_str().to_owned()),
        email: record.email.as_ref().map(|email| email.as_str().to_owned()),
        email_verified_at: record.email_verified.then_some(created_at),
        disabled_at: record.disabled.then_some(created_at),
        authorization_version: 1,
        claims: record.claims.clone(),
        roles: record.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        direct_permissions: record.permissions.clone(),
        permissions: record.permissions.clone(),
        created_at,
    };
    let exported = path.with_extension("exported");
    for is_csv in [false, true] {
        let mut bytes = Vec::new();
        let mut writer = if is_csv { Writer::csv(&mut bytes) } else { Writer::Jsonl(&mut bytes) };
        let account = ExportedAccount::new(user.clone(), stored.as_ref());
        let written = writer.begin().and_then(|()| writer.write(account)).and_then(|()| writer.end());
        written.expect("it is written");
        drop(writer);
        fs::write(&exported, &bytes).expect("the export is written");
        let file = AccountsFile::open(exported.clone()).expect("an export is a file of accounts");
        let mut rows = file.rows().expect("it has rows");
        let row = rows.next().expect("it has a row").expect("the row is read");
        let again = row.record.unwrap_or_else(|problems| panic!("{}: {problems:?}", String::from_utf8_lossy(&bytes)));
        assert!(rows.next().is_none(), "it has one row");
        check_same(&user, record, &again);
        let hash_again =
            again.password_hash.as_deref().map(|hash| ParsedHash::parse_foreign(hash).expect("the hash is read"));
        let parts = |hash: &Option<ParsedHash>| {
            hash.as_ref().map(|hash| (hash.method.clone(), hash.salt.clone(), hash.digest.clone()))
        };
        assert_eq!(parts(&hash_again), parts(&hash));
    }
}

fn check_same(user: &User, record: &AccountRecord, again: &AccountRecord) {
    assert_eq!((again.id, again.created_at), (Some(user.id), Some(user.created_at)));
    assert_eq!((&again.username, &again.email), (&record.username, &record.email));
    assert_eq!((again.email_verified, again.disabled), (record.email_verified, record.disabled));
    assert_eq!((&again.roles, &again.permissions), (&record.roles, &record.permissions));
    assert_eq!(again.claims, record.claims);
}

//! The tables refuse what a defect of the server could store: values of another type, values that mean nothing, and references
//! to nothing.

use std::collections::BTreeSet;

use crate::{
    database::{refused, texts},
    support::{PASSWORD, Place},
};

/// A statement for each check of each table.
const NONSENSE: &[&str] = &[
    "update users set id = 'x'",
    "update users set authorization_version = 0",
    "update users set claims = '[]'",
    "update users set username = null, username_key = null, email = null, email_key = null, email_verified_at = null",
    "update users set username_key = null",
    "update users set email_key = null",
    "update users set email = null, email_key = null, email_verified_at = 1",
    "update credentials set kind = 'x'",
    "update credentials set secret = 'a password'",
    "insert into roles (name, created_at) values ('', 1)",
    "update role_permissions set permission = ''",
    "update user_permissions set permission = ''",
    "update one_time_tokens set sha256 = x'00'",
    "update one_time_tokens set purpose = 'x'",
    "update one_time_tokens set creator = user_id, creator_rights = '[]'",
    "update one_time_tokens set user_id = null",
    "update one_time_tokens set creator = user_id",
    "update devices set id = 'x'",
    "update devices set secret_hash = x'00'",
    "update sessions set id = 'x'",
    "update sessions set expires_at = created_at, refresh_expires_at = 0",
    "update sessions set refresh_expires_at = expires_at + 1",
    "update sessions set generation = 0, password_generation = 0",
    "update sessions set password_generation = 2",
    "update sessions set generations_made_at = '[]'",
    "update sessions set failed_proofs = -1",
    "update sessions set mismatches = -1",
    "update sessions set mismatched_at = '{}'",
    "update sessions set fingerprint = '{'",
    "update sessions set revoked_at = 1",
    "update sessions set scope = ''",
    "update sessions set device_generations = '{}'",
    "update sessions set revoked_tokens = -1",
    "update sessions set device_seen = 2",
    "update signing_keys set status = 'x'",
    "update signing_keys set retires_at = 1",
    "insert into changes (kind, subject, at, until) values ('x', '', 1, 1)",
    "insert into changes (kind, subject, value, at, until) values ('clients', '', 1, 1, 1)",
    "insert into audit_events (at, event, detail) values (1, 'x', '[]')",
    "update clients set id = ''",
    "update clients set name = ''",
    "update clients set audiences = '{}'",
    "update clients set scopes = '{}'",
    "update clients set grants = '{}'",
    "update clients set secret_hash = 'a secret'",
];

/// A statement for each reference to another table.
const ORPHANS: &[(&str, &str)] = &[
    ("credentials.user_id", "update credentials set user_id = 'nobody' where id = 1"),
    ("devices.user_id", "update devices set user_id = 'nobody'"),
    ("one_time_tokens.creator", "update one_time_tokens set creator = 'nobody', creator_rights = '{}'"),
    ("one_time_tokens.user_id", "update one_time_tokens set user_id = 'nobody' where user_id is not null"),
    ("role_permissions.role", "update role_permissions set role = 'none'"),
    ("sessions.device_id", "update sessions set device_id = 'none'"),
    ("sessions.user_id", "update sessions set user_id = 'nobody'"),
    ("user_permissions.user_id", "update user_permissions set user_id = 'nobody'"),
    ("user_roles.role", "update user_roles set role = 'none'"),
    ("user_roles.user_id", "update user_roles set user_id = 'nobody'"),
];

/// Returns a place with a row in each table.
fn place() -> Place {
    let place = Place::new();
    place.add_user(&["root"]);
    place.succeed(&["role", "set", "editor", "posts:write"]);
    place.add_user(&["ada", "--email", "ada@example.com", "--role", "editor", "--permission", "posts:read"]);
    place.succeed(&["user", "reset", "ada"]);
    place.succeed(&["client", "add", "web", "--public"]);
    place.start(&["serve"]).token("ada", PASSWORD);
    place
}

/// Returns the expressions of the checks in the definition of a table.
fn checks(definition: &str) -> Vec<String> {
    let expression = |rest: &str| {
        let mut depth = 1;
        let end = rest.find(|character| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            depth == 0
        });
        rest[..end.expect("the parenthesis is closed")].trim().to_owned()
    };
    definition.split("check (").skip(1).map(expression).collect()
}

#[test]
fn each_check_of_each_table_refuses_nonsense() {
    let place = place();
    let tables = "select name || '\n' || sql from sqlite_schema where type = 'table' and name not glob '_*'";
    let definitions = texts(&place, tables);
    let named = definitions.iter().map(|text| text.split_once('\n').expect("a name"));
    let all: BTreeSet<String> = named
        .flat_map(|(table, text)| checks(text).into_iter().map(move |check| format!("{table}: {check}")))
        .collect();
    let mut refusing = BTreeSet::new();
    for statement in NONSENSE {
        let said = refused(&place, statement);
        let (_, check) = said.split_once("CHECK constraint failed: ").unwrap_or_else(|| panic!("{statement}: {said}"));
        let table = statement.trim_start_matches("update ").trim_start_matches("insert into ").split(' ').next();
        let check = format!("{}: {}", table.unwrap_or_default(), check.trim());
        assert!(refusing.insert(check.clone()), "{statement}: {check} has a statement already");
    }
    assert_eq!(all, refusing, "the checks of the tables on the left, those that have refused something on the right");
}

#[test]
fn each_reference_of_each_table_refuses_an_orphan() {
    let place = place();
    let all = "select t.name || '.' || r.\"from\" from sqlite_schema t, pragma_foreign_key_list(t.name) r
        where t.type = 'table' order by 1";
    assert_eq!(texts(&place, all), ORPHANS.iter().map(|(column, _)| *column).collect::<Vec<_>>());
    for (column, statement) in ORPHANS {
        let said = refused(&place, statement);
        assert!(said.contains("FOREIGN KEY constraint failed"), "{column}: {said}");
    }
}

#[test]
fn every_table_is_strict() {
    let place = place();
    let lax = "select name from pragma_table_list where schema = 'main' and type = 'table' and strict = 0
        and name not glob 'sqlite*' and name not glob '_*'";
    // The library of the migrations makes its own table, whose name begins with `_`.
    assert_eq!(texts(&place, lax), [""; 0]);
    let said = refused(&place, "update users set created_at = 'soon'");
    assert!(said.contains("cannot store TEXT value in INTEGER column users.created_at"), "{said}");
}

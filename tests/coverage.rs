//! The check that a test meets each status that the API description documents. The exceptions are in [`UNMET`], each with its
//! reason.
//!
//! If `VESTIBULE_TEST_RECORD` names a file, `tests/api/support/judge.rs` appends to it the statuses that the tests meet.
//! `tests/run` sets this variable for all test binaries. It then runs this test binary with the same file in
//! `VESTIBULE_TEST_RECORDED`. Without `VESTIBULE_TEST_RECORDED` only the list [`UNMET`] itself is checked. To run both by hand:
//!
//! ```text
//! VESTIBULE_TEST_RECORD=/tmp/met cargo test && VESTIBULE_TEST_RECORDED=/tmp/met cargo test --test coverage
//! ```

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use vestibule::http::openapi;

/// The operation in a row of [`UNMET`] that applies to every operation.
const ANY: &str = "*";

/// The documented statuses that no test meets: operation, status, and the reason.
const UNMET: &[(&str, &str, &str)] = &[
    (ANY, "500", "a fault of the server: each one that a test could cause would be mended instead"),
    ("GET /", "default", "it reads nothing that could be refused: only a fault of the server (500)"),
    (
        "GET /.well-known/change-password",
        "default",
        "it reads nothing that could be refused: only a fault of the server (500)",
    ),
    ("GET /logout", "default", "it reads memory only, and refuses nothing: only a fault of the server (500)"),
    ("GET /login", "default", "a session that can't be looked up shows the form: only a fault of the server (500)"),
    ("GET /privacy", "default", "it reads nothing that could be refused: only a fault of the server (500)"),
    ("HEAD /auth/continue", "default", "it answers 425 before it reads anything: only a fault of the server (500)"),
];

/// Returns each documented response as two texts: method and path, and status. `tests/api/support/judge.rs` records the same
/// texts.
fn documented() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::to_value(openapi::document("/auth")).expect("a document");
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let responses = operation["responses"].as_object();
            let statuses = responses.into_iter().flatten().map(|(status, _)| status);
            found.extend(statuses.map(|status| (format!("{} {path}", method.to_uppercase()), status.clone())));
        }
    }
    assert!(found.len() > 200, "the document was read");
    found
}

/// Returns whether a row of [`UNMET`] applies to a status of an operation.
fn is_covered(row: &(&str, &str, &str), (operation, status): &(String, String)) -> bool {
    (row.0 == ANY || row.0 == operation) && row.1 == status
}

#[test]
fn every_unmet_status_is_documented_and_listed_once_with_a_reason() {
    let documented = documented();
    for (at, row) in UNMET.iter().enumerate() {
        assert!(documented.iter().any(|status| is_covered(row, status)), "{row:?} is not documented");
        assert!(!row.2.is_empty(), "{row:?} gives no reason");
        let twice = UNMET[..at].iter().any(|other| other.1 == row.1 && (other.0 == row.0 || other.0 == ANY));
        assert!(!twice, "{row:?} stands there twice");
    }
}

#[test]
fn every_documented_status_was_met_by_a_test_or_is_listed() {
    let Some(file) = std::env::var_os("VESTIBULE_TEST_RECORDED") else { return };
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let met: BTreeSet<(String, String)> = text
        .lines()
        .map(|line| line.rsplit_once(' ').map(|(operation, status)| (operation.to_owned(), status.to_owned())))
        .map(|line| line.expect("a line has a method, a path and a status"))
        .collect();
    let documented = documented();
    let unknown: Vec<_> = met.difference(&documented).collect();
    assert!(unknown.is_empty(), "recorded, but not documented: {unknown:#?}");
    let is_listed = |status: &&(String, String)| UNMET.iter().any(|row| is_covered(row, status));
    let unmet: Vec<_> = documented.difference(&met).filter(|status| !is_listed(status)).collect();
    assert!(unmet.is_empty(), "documented, but no test meets them; write one, or list them with a reason: {unmet:#?}");
    // A row for every operation is not stale if a test meets the status at one operation.
    let stale: Vec<_> =
        met.iter().filter(|status| UNMET.iter().any(|row| row.0 == status.0 && is_covered(row, status))).collect();
    assert!(stale.is_empty(), "a test meets them: take them off the list: {stale:#?}");
    println!(
        "{} answers compared; of {} documented statuses {} were met, {} are listed",
        text.lines().count(),
        documented.len(),
        met.len(),
        documented.len() - met.len()
    );
}

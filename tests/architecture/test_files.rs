//! The rules that the Rust files below `tests/` keep.

use std::collections::BTreeSet;

use super::{MOST_LINES, files_below};

/// The files below `tests/` that may contain the word `sqlx`: the helpers that open the database, the comparison of the
/// schemas, and these rules.
const TESTS_WITH_SQL: &[&str] = &[
    "api/support/database.rs",
    "architecture/doors.rs",
    "architecture/main.rs",
    "architecture/test_files.rs",
    "cli/database.rs",
    "statements.rs",
];

#[test]
fn tests_reach_the_database_through_the_store_or_named_helpers() {
    let tests = files_below("tests");
    let named: BTreeSet<&str> =
        tests.iter().filter(|(_, source)| source.contains("sqlx")).map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, TESTS_WITH_SQL.iter().copied().collect());
}

#[test]
fn no_file_of_the_tests_is_too_long() {
    let too_long: Vec<String> =
        files_below("tests").iter().filter_map(|(name, source)| too_long(name, source)).collect();
    assert!(too_long.is_empty(), "{} files are too long:\n{}", too_long.len(), too_long.join("\n"));
}

#[test]
fn a_file_of_the_tests_that_is_too_long_is_caught() {
    let lines = |count: usize| "// A line.\n".repeat(count);
    assert_eq!(too_long("api/users.rs", &lines(MOST_LINES)), None);
    let message = too_long("api/users.rs", &lines(MOST_LINES + 1)).expect("it is caught");
    assert!(message.starts_with("tests/api/users.rs: has 401 lines"), "{message}");
}

/// Returns the violation if a file has more than [`MOST_LINES`] lines, otherwise `None`.
fn too_long(name: &str, source: &str) -> Option<String> {
    let count = source.lines().count();
    (count > MOST_LINES).then(|| format!("tests/{name}: has {count} lines; past {MOST_LINES} split it by subject"))
}

#[test]
fn a_read_of_a_socket_is_repeated_after_an_interruption() {
    let reads: Vec<String> = files_below("tests")
        .iter()
        .filter(|(name, _)| *name != "architecture/test_files.rs")
        .flat_map(|(name, source)| interruptible(name, source))
        .collect();
    assert!(reads.is_empty(), "{}", reads.join("\n"));
}

#[test]
fn a_read_that_an_interruption_fails_is_caught() {
    let caught = |line: &str| interruptible("api/users.rs", line);
    assert_eq!(caught("let count = stream.read(&mut bytes)?;").len(), 1);
    assert_eq!(caught("    .recv(&mut bytes)").len(), 1);
    for line in
        ["uninterrupted(|| stream.read(&mut bytes))", "stream.read(&mut bytes).await", "stream.read_exact(&mut bytes)"]
    {
        assert!(caught(line).is_empty(), "{line}");
    }
}

/// Returns the lines that read a socket once, and so fail if a signal interrupts them.
fn interruptible(name: &str, source: &str) -> Vec<String> {
    let reads = |line: &&str| [".read(&mut", ".recv(&mut"].iter().any(|call| line.contains(call));
    let is_repeated = |line: &str| line.contains(".await") || line.contains("uninterrupted(|| ");
    let lines = source.lines().filter(reads).filter(|line| !is_repeated(line));
    lines.map(|line| format!("tests/{name}: use `uninterrupted` of common/sockets.rs for `{}`", line.trim())).collect()
}

//! The places where a file is opened. When a process closes any descriptor of the database or of the index of its log, it
//! loses the locks that SQLite has in this process. So nothing else may open these files while SQLite has them open.

use std::collections::BTreeSet;

use super::files_below;

/// The files below `src/` that open files, each with those that it opens.
const OPENERS: &[(&str, &str)] = &[
    (
        "files/mod.rs",
        "settings, secrets and the logo, before the database; what a command is told to read, and `cli/own_files.rs` refuses the database",
    ),
    ("flows/backup/daily.rs", "the lock of the copies"),
    ("flows/backup/restore.rs", "the databases of a restore, during which no server has them open"),
    ("flows/open/data_paths.rs", "the lock file, the directory, and the database before SQLite opens it"),
    ("flows/open/secret.rs", "the root secret"),
    ("flows/steps/check.rs", "a copy, before SQLite opens it"),
    ("flows/steps/copy.rs", "the draft of a copy"),
    ("http/metrics/process.rs", "the figures of the process"),
];

/// What opens a file.
const OPENING: [&str; 12] = [
    "File::open(", "File::options(", "File::create(", "File::create_new(", "OpenOptions::new(", "fs::open(",
    "fs::read(", "fs::read_to_string(", "fs::write(", "fs::copy(", "pem_file_iter(", "from_pem_file(",
];

#[test]
fn files_are_opened_in_few_places() {
    let is_test = |name: &str| {
        let is_file = name.ends_with("/tests.rs") || name.ends_with("/fuzzed.rs");
        is_file || name.contains("/tests/") || name.starts_with("fuzzing/")
    };
    let opening = files_below("src").into_iter().filter(|(name, text)| !is_test(name) && opens(text));
    let found: BTreeSet<String> = opening.map(|(name, _)| name).collect();
    let listed: BTreeSet<String> = OPENERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed, "what opens files on the left, OPENERS on the right");
}

#[test]
fn an_opening_is_caught() {
    assert!(opens("let file = fs::File::open(path)?;"));
    assert!(!opens("AccountsFile::open(path)"));
    assert!(!opens("let place = restore::open(path);\n#[cfg(test)]\nmod tests { fs::read(path) }"));
}

/// Returns whether a source file opens a file outside of its tests.
fn opens(text: &str) -> bool {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let is_word = |char: char| char.is_ascii_alphanumeric();
    OPENING.iter().any(|opening| code.match_indices(opening).any(|(at, _)| !code[..at].ends_with(is_word)))
}

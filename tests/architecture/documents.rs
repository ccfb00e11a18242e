//! The check that every path in a document exists.

use std::{fs, path::Path};

/// The folders whose paths are checked.
const FOLDERS: &[&str] = &["src/", "tests/", "docs/", "migrations/", "templates/", "static/", "benches/", "examples/"];
/// The modules of `src/` with which a path may begin. `ARCHITECTURE.md` writes such paths without `src/`.
const MODULES: &[&str] = &["cli/", "config/", "domain/", "files/", "flows/", "http/", "memory/", "store/"];

/// Paths that a document tells its reader to create.
const TO_BE_MADE: &[&str] = &["tests/databases/0.2.0.sql"];

#[test]
fn every_path_in_a_document_exists() {
    let missing: Vec<String> = documents()
        .into_iter()
        .flat_map(|name| {
            let text = fs::read_to_string(root().join(&name)).expect("a document");
            let missing: Vec<String> = quoted(&text).filter(|path| !exists(path)).map(str::to_owned).collect();
            missing.into_iter().map(move |path| format!("{name}: {path}"))
        })
        .collect();
    assert!(missing.is_empty(), "{} paths do not exist:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn a_path_that_does_not_exist_is_caught() {
    let text = "See `src/clock.rs`, `store/sql.rs`, `src/clocks.rs`, `tests/api/`, `src/clock.rs::now`, `src/clock.rs::noon` \
        and `cargo test`.";
    let missing: Vec<&str> = quoted(text).filter(|path| !exists(path)).collect();
    assert_eq!(missing, ["src/clocks.rs", "src/clock.rs::noon"]);
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the paths of all documents, relative to the repository.
fn documents() -> Vec<String> {
    let below = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let documents = paths.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
        documents.map(|path| path.strip_prefix(root()).expect("below").display().to_string()).collect::<Vec<_>>()
    };
    ["", "docs", "docs/contract", "docs/deploy"].into_iter().flat_map(below).collect()
}

/// Returns the texts between backticks that are paths, except paths with a placeholder.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |text: &&str| {
        let begins = FOLDERS.iter().any(|folder| text.starts_with(folder));
        let is_module = MODULES.iter().any(|module| text.starts_with(module)) && text.ends_with(".rs");
        (begins || is_module) && !text.contains(['<', '*', ' ', '{', '…'])
    };
    text.split('`').skip(1).step_by(2).filter(is_path)
}

/// Returns whether a path exists, relative to the repository or to `src/`, and has the function that follows `::`. Ignores a
/// line number after `:`. Paths in [`TO_BE_MADE`] count as existing.
fn exists(path: &str) -> bool {
    let (file, function) = path.split_once("::").map_or((path, None), |(file, function)| (file, Some(function)));
    let file = file.split(':').next().unwrap_or(file);
    let has_function = |found: &Path| {
        function.is_none_or(|name| fs::read_to_string(found).is_ok_and(|text| text.contains(&format!("fn {name}("))))
    };
    let places = [root().join(file), root().join("src").join(file)];
    TO_BE_MADE.contains(&file) || places.iter().any(|found| found.exists() && has_function(found))
}

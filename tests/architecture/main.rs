//! The dependency rule as a test: it reads `src/` and reports file, line and rule of each violation.
//!
//! It reads tokens, not types. `use` trees are expanded into paths, and `self` and `super` are resolved. Every path that begins
//! with `crate` or with the name of a dependency is looked up in the tables [`LAYERS`] and [`DOORS`]. A new folder or
//! dependency needs a row there.

mod circles;
mod documents;
mod doors;
mod language;
mod openers;
mod routes;
mod source;
mod test_files;
mod texts;

use std::{collections::BTreeSet, fs, path::Path};

use doors::DOORS;
use source::{Named, paths, test_regions, tokens};

/// The modules that each module of this crate may name, besides itself: `main → cli → http → flows → {store, memory} → domain`.
const LAYERS: &[(&str, &[&str])] = &[
    ("random", &[]),
    ("files", &["domain"]),
    ("config", &["files", "domain"]),
    ("clock", &["domain"]),
    ("domain", &["random"]),
    ("store", &["domain"]),
    ("memory", &["domain", "clock", "config", "random"]),
    ("flows", &["store", "memory", "domain", "clock", "config", "files", "random"]),
    ("http", &["flows", "store", "memory", "domain", "clock", "config", "files", "random"]),
    ("cli", &["http", "flows", "store", "memory", "domain", "clock", "config", "files", "random"]),
    // The fuzz targets call the parsers of all layers. They are compiled for tests and for `fuzz/` only.
    ("fuzzing", &["cli", "http", "flows", "store", "memory", "domain", "clock", "config", "files", "random"]),
    ("lib", &["cli", "http", "flows", "store", "memory", "domain", "clock", "config", "files", "random"]),
    ("main", &["cli"]),
];

/// Single paths that a file may name, although it may not name other paths of that dependency.
const EXCEPTIONS: &[(&str, &str)] = &[
    // The runtime of the commands; they use nothing else of Rocket.
    ("cli/mod.rs", "rocket::execute"),
];

/// The files of `flows/` that are not flows. Flows share them. Only `flows/api.rs` may name flows, and no file of `flows` may
/// name `flows/api.rs`.
const NO_FLOWS: &[&str] = &[
    "steps/", "vestibule", "mod", "open/error", "open/data_paths", "open/keys", "open/migration_copy",
    "open/process_locks", "open/secret",
];
/// The file with the methods that embedding applications call.
const API: &str = "flows/api.rs";

/// The items that read the wall clock: the last segment or the last two segments of a path.
const WALL_CLOCK: &[&str] =
    &["SystemTime::now", "SystemTime::UNIX_EPOCH", "UNIX_EPOCH", "now_utc", "now_local", "now_v7"];

/// The maximum number of lines of a file below `src/` or `tests/`.
const MOST_LINES: usize = 400;

#[test]
fn the_source_keeps_the_dependency_rule() {
    let sources = sources();
    let flows = flow_names(sources.iter().map(|(name, _)| name.as_str()));
    let broken: Vec<String> = sources.iter().flat_map(|(name, source)| violations(name, source, &flows)).collect();
    assert!(broken.is_empty(), "{} violations:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn no_file_is_on_a_circle_of_dependencies() {
    let arrows = circles::arrows(&sources());
    let ways: Vec<String> = circles::circles(&arrows).into_iter().map(|way| way.join(" → ")).collect();
    assert!(ways.is_empty(), "{} files are on a circle:\n{}", ways.len(), ways.join("\n"));
}

#[test]
fn every_dependency_has_a_row_that_says_where_it_may_be_used() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("a manifest");
    let table = manifest.split("\n[dependencies]\n").nth(1).and_then(|rest| rest.split("\n[").next()).expect("a table");
    let named: BTreeSet<String> = table
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_alphabetic()))
        .filter_map(|line| line.split([' ', '=', '.']).next())
        .map(|name| name.replace('-', "_"))
        .collect();
    let rows: BTreeSet<String> = DOORS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, rows, "Cargo.toml on the left, DOORS on the right");
}

/// Returns the name below `src/` and the text of every source file.
fn sources() -> Vec<(String, String)> {
    files_below("src")
}

/// Returns the name below `folder` and the text of every Rust file there.
fn files_below(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    walk(&root, &mut files);
    assert!(files.len() > 50, "{folder}/ was not found");
    files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(&root).expect("it is below the folder").to_str().expect("names are UTF-8");
            (name.to_owned(), fs::read_to_string(file).expect("a source file can be read"))
        })
        .collect()
}

/// Collects the Rust files of a folder and of all folders below it, in the order of their names.
fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Returns the flows, as their files without ending: `users/register`, `open/recover`, `sweep`. `open/mod` is `open`.
fn flow_names<'a>(files: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let below = files.filter_map(|file| file.strip_prefix("flows/")?.strip_suffix(".rs"));
    let flows = below.filter(|name| {
        !NO_FLOWS.iter().any(|other| name == other || (other.ends_with('/') && name.starts_with(other)))
    });
    flows
        .map(|name| name.strip_suffix("/mod").unwrap_or(name).to_owned())
        .filter(|name| name != "api" && !name.ends_with("/tests"))
        .collect()
}

/// Returns every violation of the rules in one file, each as `src/file:line: …`.
fn violations(file: &str, source: &str, flows: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut report = |line: usize, message: String| found.push(format!("src/{file}:{line}: {message}"));
    if !source.starts_with("//!") {
        report(1, "begins with no `//!` that says what it is".to_owned());
    }
    if source.lines().count() > MOST_LINES {
        report(MOST_LINES + 1, format!("has {} lines; past {MOST_LINES} split it by verb", source.lines().count()));
    }
    let tokens = tokens(source);
    let in_tests = test_regions(file, &tokens);
    for (at, window) in tokens.windows(3).enumerate() {
        if !in_tests[at] && window[0].text == "." && window[1].text == "unwrap" && window[2].text == "(" {
            report(window[1].line, "`unwrap` outside tests; say with `expect` why it cannot happen".to_owned());
        }
    }
    for named in paths(file, &tokens) {
        for message in [layer(file, &named), flow(file, &named, flows), door(file, &named), wall_clock(file, &named)] {
            message.into_iter().for_each(|message| report(named.line, message));
        }
    }
    found
}

/// Returns the module of a file: its folder, or its own name if it is directly below `src/`.
fn top(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or(file)
}

/// Returns the violation if a file names a module that [`LAYERS`] does not permit, or if the file has no row there.
fn layer(file: &str, named: &Named) -> Option<String> {
    let from = top(file);
    let Some((_, may_use)) = LAYERS.iter().find(|(layer, _)| *layer == from) else {
        return Some(format!("`{from}` is not on the map; give it a row in LAYERS"));
    };
    let to = named.path.strip_prefix("crate::")?.split("::").next()?;
    if LAYERS.iter().all(|(layer, _)| *layer != to) {
        return (from != "lib").then(|| format!("`{}` is no module; name a thing where it lives", named.path));
    }
    (to != from && !may_use.contains(&to)).then(|| {
        format!("{from} may not name `{}`: main → cli → http → flows → {{store, memory}} → domain", named.path)
    })
}

/// Returns the violation if a flow names another flow, or if a file of `flows` names `flows/api.rs`.
fn flow(file: &str, named: &Named, flows: &BTreeSet<String>) -> Option<String> {
    let from = file.strip_prefix("flows/")?.trim_end_matches(".rs").trim_end_matches("/mod");
    let path = named.path.strip_prefix("crate::flows::")?;
    if path == "api" || path.starts_with("api::") {
        return Some("nothing in `flows` names `flows/api.rs`".to_owned());
    }
    // The tests of a flow are in its folder, and may name other flows.
    if file == API || file.ends_with("/tests.rs") {
        return None;
    }
    let mut segments = path.split("::");
    let (first, second) = (segments.next()?, segments.next().unwrap_or_default());
    let below = format!("{first}/{second}");
    let no_flow =
        NO_FLOWS.iter().any(|other| below == *other || first == *other || other.trim_end_matches('/') == first);
    let to = if flows.contains(&below) { below } else { first.to_owned() };
    let is_other_flow = !no_flow && to != from && (first == "*" || second == "*" || flows.contains(&to));
    is_other_flow.then(|| format!("the flow `{from}` names the flow `{to}`; what both need is a step in flows/steps/"))
}

/// Returns the violation if a file names a dependency where neither [`DOORS`] nor [`EXCEPTIONS`] permits it.
fn door(file: &str, named: &Named) -> Option<String> {
    let dependency = named.path.split("::").next()?;
    let (_, places) = DOORS.iter().find(|(name, _)| *name == dependency)?;
    let allowed = places.iter().any(|place| file.starts_with(place))
        || EXCEPTIONS.iter().any(|(place, path)| *place == file && named.path == *path);
    (!allowed).then(|| format!("`{}` belongs in {} only", named.path, places.join(", ")))
}

/// Returns the violation if a file other than `clock.rs` reads the wall clock.
fn wall_clock(file: &str, named: &Named) -> Option<String> {
    let reads = WALL_CLOCK
        .iter()
        .any(|name| named.path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with("::")));
    (reads && file != "clock.rs").then(|| format!("`{}` reads the wall clock; `now` is a parameter", named.path))
}

/// Returns the violations in a made-up file with this path, each without the path.
fn broken_by(file: &str, code: &str) -> Vec<String> {
    let flows = flow_names(
        [
            "flows/sessions/login.rs",
            "flows/sessions/refresh.rs",
            "flows/steps/verify_password.rs",
            "flows/open/mod.rs",
            "flows/sweep.rs",
        ]
        .into_iter(),
    );
    let all = violations(file, &format!("//! Made up.\n{code}"), &flows);
    all.into_iter().map(|line| line.trim_start_matches(&format!("src/{file}:")).to_owned()).collect()
}

/// Checks that the first violation in a made-up file begins with this text.
#[track_caller]
fn assert_broken(file: &str, code: &str, beginning: &str) {
    let broken = broken_by(file, code);
    assert!(broken.first().is_some_and(|line| line.starts_with(beginning)), "{file}: {code}\n{broken:#?}");
}

#[test]
fn a_dependency_on_an_upper_layer_is_caught_in_every_notation() {
    assert_broken("domain/user.rs", "use crate::store::Tx;", "2: domain may not name `crate::store::Tx`");
    assert_broken("domain/user.rs", "use crate::{\n    random,\n    config::{Config, Client},\n};", "4: domain");
    assert_broken("store/users.rs", "fn f() { crate::memory::hasher::f() }", "2: store may not");
    assert_broken("store/users.rs", "use super::super::flows::login;", "2: store may not name `crate::flows::login`");
    assert_broken(
        "memory/keyring.rs",
        "mod inner { use super::super::super::http; }",
        "2: memory may not name `crate::http`",
    );
    assert_broken("flows/login.rs", "type A = Vec<crate::http::Shared>;", "2: flows may not");
    assert_broken(
        "config/web.rs",
        "/* a \" comment */ fn f() { let c = '\"'; crate::clock::f() }",
        "2: config may not",
    );
    assert_broken("main.rs", "fn main() { vestibule::flows::f() }", "2: main may not name `crate::flows::f`");
    assert_broken("http/users.rs", "use crate::Vestibule;", "2: `crate::Vestibule` is no module");
    assert_broken("util.rs", "use std::fmt;", "2: `util` is not on the map");
}

#[test]
fn a_flow_that_uses_another_is_caught() {
    const REFRESH: &str = "flows/sessions/refresh.rs";
    let names = "the flow `sessions/refresh` names the flow";
    assert_broken(
        REFRESH,
        "use super::login::Login;\nuse crate::flows::steps::verify_password;",
        &format!("2: {names}"),
    );
    assert_broken(REFRESH, "fn f() { super::login::login() }", &format!("2: {names} `sessions/login`"));
    assert_broken(REFRESH, "use crate::flows;\nfn f() { flows::sweep::sweep() }", &format!("3: {names} `sweep`"));
    assert_broken(REFRESH, "use crate::flows::open::Role;", &format!("2: {names} `open`"));
    assert_broken(REFRESH, "use super::*;", &format!("2: {names}"));
    assert_broken(REFRESH, "use crate::flows::*;", &format!("2: {names}"));
    assert_broken(REFRESH, "use crate::flows::api::f;", "2: nothing in `flows` names `flows/api.rs`");
    assert_broken(
        "flows/steps/verify_password.rs",
        "use crate::flows::sessions::login;",
        "2: the flow `steps/verify_password` names",
    );
    assert_broken("flows/vestibule.rs", "fn f() { super::sweep::sweep() }", "2: the flow `vestibule` names");
}

#[test]
fn a_dependency_outside_of_its_permitted_files_is_caught() {
    assert_broken("flows/login.rs", "use sqlx::SqlitePool;", "2: `sqlx::SqlitePool` belongs in store/mod.rs, ");
    assert_broken("store/users.rs", "fn f() { sqlx::query(\"select 1\") }", "2: `sqlx::query` belongs in store/mod.rs");
    assert_broken("domain/user.rs", "#[rocket::async_trait]\ntrait T {}", "2: `rocket::async_trait` belongs");
    assert_broken("cli/user.rs", "fn f() { rocket::execute(async {}) }", "2: `rocket::execute`");
    assert_broken("cli/mod.rs", "fn f() { rocket::build() }", "2: `rocket::build`");
    assert_broken("domain/jwt.rs", "fn f() { ::argon2::f() }", "2: `argon2::f` belongs in memory/derive.rs only");
    assert_broken("store/audit.rs", "fn f<T: tokio::io::A>(_: figment::Value) {}", "2: `figment::Value`");
}

#[test]
fn reading_the_wall_clock_is_caught() {
    assert_broken(
        "flows/login.rs",
        "fn f() { std::time::SystemTime::now(); }",
        "2: `std::time::SystemTime::now` reads",
    );
    assert_broken("http/cookies.rs", "use time::OffsetDateTime;\nfn f() { OffsetDateTime::now_utc(); }", "3: ");
    assert_broken("domain/id.rs", "fn f() { uuid::Uuid::now_v7(); }", "2: `uuid::Uuid::now_v7` reads");
}

#[test]
fn too_many_lines_a_missing_heading_and_unwrap_are_caught() {
    assert_broken("domain/id.rs", &"\n".repeat(MOST_LINES), "401: has 401 lines");
    assert_broken("domain/id.rs", "fn f() { None.unwrap() }", "2: `unwrap` outside tests");
    let headless = violations("domain/id.rs", "// What it is.\n", &BTreeSet::new());
    assert_eq!(headless, ["src/domain/id.rs:1: begins with no `//!` that says what it is"]);
}

#[test]
fn permitted_code_passes() {
    let allowed = [
        ("domain/jwt.rs", "use jsonwebtoken::{Header, Validation};\nuse super::{UnixTime, time::numeric_date};"),
        ("domain/mod.rs", "mod time;\npub use self::time::UnixTime;\nfn f() { time::g() }"),
        (
            "flows/sessions/login.rs",
            "use crate::{config::Config, flows::{Vestibule, steps::proof}, memory::{hasher::{self, Hasher}}, random};",
        ),
        ("flows/vestibule.rs", "struct V { _held: super::open::process_locks::ProcessLocks }"),
        ("flows/api.rs", "use super::{open::{self, Role}, sessions::login};"),
        ("http/mod.rs", "use rocket::figment::Figment;\nuse crate::flows::Vestibule;"),
        ("cli/mod.rs", "fn f() { rocket::execute(async {}) }"),
        ("lib.rs", "pub mod http;\npub use self::http::guards::AccessToken;"),
        ("main.rs", "fn main() { vestibule::cli::main() }"),
        ("clock.rs", "fn f() { std::time::SystemTime::now(); }"),
        // Words in comments and literals are not paths. Names of fields and local variables are not paths either.
        (
            "domain/id.rs",
            "/// Not sqlx::query, nor `x.unwrap()`.\nfn f<'a>(sqlx: &'a str) { g(\"rocket::build()\", r#\"crate::http\"#) }",
        ),
        ("domain/id.rs", "#[cfg(test)]\nmod tests {\n    #[test]\n    fn f() { Some(1).unwrap(); }\n}"),
        ("config/tests.rs", "fn f() { Some(1).unwrap(); }"),
    ];
    for (file, code) in allowed {
        assert_eq!(broken_by(file, code), [""; 0], "{file}: {code}");
    }
}

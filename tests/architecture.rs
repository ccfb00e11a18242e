//! The dependency rule as a test: it reads `src/` and names file, line and rule of whatever breaks it.
//!
//! It reads tokens, not types: `use` trees are spread out, `self` and `super` resolved, and every path that begins with
//! `crate` or the name of a dependency is looked up in the two tables below. A new folder or dependency needs a row here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Which of our modules each module may name beside itself: `main → cli → http → flows → {store, memory} → domain`.
const LAYERS: &[(&str, &[&str])] = &[
    ("random", &[]),
    ("config", &["domain"]),
    ("clock", &["domain"]),
    ("domain", &["random"]),
    ("store", &["domain"]),
    ("memory", &["domain", "clock", "config", "random"]),
    ("flows", &["store", "memory", "domain", "clock", "config", "random"]),
    ("http", &["flows", "store", "memory", "domain", "clock", "config", "random"]),
    ("cli", &["http", "flows", "store", "memory", "domain", "clock", "config", "random"]),
    ("lib", &["cli", "http", "flows", "store", "memory", "domain", "clock", "config", "random"]),
    ("main", &["cli"]),
];

const EVERYWHERE: &[&str] = &[""];
/// Where there are tasks, waiting and a log.
const AT_WORK: &[&str] = &["store/", "memory/", "flows/", "http/", "cli/"];

/// Where each dependency may be named: beginnings of paths below `src/`. The large ones have one door.
const DOORS: &[(&str, &[&str])] = &[
    ("argon2", &["memory/hasher.rs"]),
    ("aws_lc_rs", &["domain/signing_key/", "domain/sealed.rs"]),
    ("base64", &["domain/"]),
    ("clap", &["cli/"]),
    ("comfy_table", &["cli/"]),
    ("dotenvy", &["config/"]),
    ("figment", &["config/"]),
    ("flate2", &["http/assets.rs"]),
    ("form_urlencoded", &["http/"]),
    ("globset", &["domain/excluded.rs"]),
    ("governor", &["memory/throttle.rs"]),
    ("hkdf", &["domain/root_secret.rs"]),
    ("hmac", &["domain/"]),
    ("ipnet", &["config/", "http/"]),
    ("jsonwebtoken", &["domain/jwt.rs"]),
    ("minijinja", &["http/pages/render.rs"]),
    ("papaya", &["memory/"]),
    ("quick_cache", &["memory/"]),
    ("rand", &["random.rs"]),
    ("rocket", &["http/", "lib.rs", "cli/serve.rs"]),
    ("rocket_db_pools", &["http/db.rs"]),
    ("rpassword", &["cli/"]),
    ("serde", EVERYWHERE),
    ("serde_json", EVERYWHERE),
    ("sha2", &["domain/", "http/"]),
    // Whatever is not here reaches the database through `store::sql`.
    ("sqlx", &["store/mod.rs", "store/sql.rs", "store/writer.rs", "store/migrations.rs"]),
    ("subtle", &["domain/", "memory/", "http/"]),
    ("thiserror", EVERYWHERE),
    ("time", &["domain/", "http/", "cli/"]),
    ("tokio", AT_WORK),
    ("tracing", AT_WORK),
    ("tracing_log", &["cli/"]),
    ("tracing_subscriber", &["cli/"]),
    ("unicode_normalization", &["domain/"]),
    ("url", &["domain/redirect.rs"]),
    ("utoipa", &["http/"]),
    ("uuid", &["domain/"]),
    ("zeroize", &["domain/", "config/", "cli/", "flows/open/secret.rs"]),
    ("zxcvbn", &["domain/password.rs"]),
];

/// Single paths that may stand where their crate may not.
const EXCEPTIONS: &[(&str, &str)] = &[
    // The runtime of the commands; the rest of Rocket is not theirs.
    ("cli/mod.rs", "rocket::execute"),
];

/// Files in `flows/` that are steps of several flows rather than flows.
const SHARED_STEPS: &[&str] = &["proof", "authenticate", "client", "members", "signing"];
/// What `flows/mod.rs` names beside them: the lock and directory that a `Vestibule` holds.
const HELD_BY_MOD: &str = "crate::flows::open::Held";

/// Readers of the wall clock, by their last two names or their last.
const WALL_CLOCK: &[&str] =
    &["SystemTime::now", "SystemTime::UNIX_EPOCH", "UNIX_EPOCH", "now_utc", "now_local", "now_v7"];

const MOST_LINES: usize = 400;

#[test]
fn the_source_keeps_the_dependency_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(&root.join("src"), &mut files);
    assert!(files.len() > 50, "src/ was not found");
    let sources: Vec<(String, String)> = files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(root.join("src")).expect("it is below src").to_str().expect("names are UTF-8");
            (name.to_owned(), fs::read_to_string(file).expect("a source file can be read"))
        })
        .collect();
    let flows = flow_names(sources.iter().map(|(name, _)| name.as_str()));
    let broken: Vec<String> = sources.iter().flat_map(|(name, source)| violations(name, source, &flows)).collect();
    assert!(broken.is_empty(), "{} violations:\n{}", broken.len(), broken.join("\n"));
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

/// Where tests speak to the database's file themselves: named helpers, and what asks SQLite for its own catalogue.
const TESTS_WITH_SQL: &[&str] = &["api/support/database.rs", "cli/database.rs", "statements.rs", "architecture.rs"];

#[test]
fn tests_reach_the_database_through_the_store_or_named_helpers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let named: BTreeSet<String> = files
        .iter()
        .filter(|file| fs::read_to_string(file).expect("a source file can be read").contains("sqlx"))
        .map(|file| file.strip_prefix(&root).expect("it is below tests").to_string_lossy().into_owned())
        .collect();
    assert_eq!(named, TESTS_WITH_SQL.iter().map(|name| (*name).to_owned()).collect());
}

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

fn flow_names<'a>(files: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let below = files.filter_map(|file| file.strip_prefix("flows/"));
    below.map(|file| file.split(['/', '.']).next().expect("a name").to_owned()).filter(|name| name != "mod").collect()
}

/// Everything in one file that the rules forbid, each as `src/file:line: …`.
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

/// The module that a file belongs to: its folder, or its own name at the top.
fn top(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or(file)
}

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

fn flow(file: &str, named: &Named, flows: &BTreeSet<String>) -> Option<String> {
    let from = file.strip_prefix("flows/")?.split(['/', '.']).next()?;
    let to = named.path.strip_prefix("crate::flows::")?.split("::").next()?;
    let held = from == "mod" && named.path == HELD_BY_MOD;
    let is_other_flow = to != from && (to == "*" || flows.contains(to)) && !SHARED_STEPS.contains(&to) && !held;
    is_other_flow.then(|| format!("the flow `{from}` names the flow `{to}`; what both need is a step in flows/mod.rs"))
}

fn door(file: &str, named: &Named) -> Option<String> {
    let dependency = named.path.split("::").next()?;
    let (_, places) = DOORS.iter().find(|(name, _)| *name == dependency)?;
    let allowed = places.iter().any(|place| file.starts_with(place))
        || EXCEPTIONS.iter().any(|(place, path)| *place == file && named.path == *path);
    (!allowed).then(|| format!("`{}` belongs in {} only", named.path, places.join(", ")))
}

fn wall_clock(file: &str, named: &Named) -> Option<String> {
    let reads = WALL_CLOCK
        .iter()
        .any(|name| named.path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with("::")));
    (reads && file != "clock.rs").then(|| format!("`{}` reads the wall clock; `now` is a parameter", named.path))
}

/// An identifier, a `::`, or one other character; a literal is `"`.
struct Token {
    line: usize,
    text: String,
}

fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut line, mut tokens) = (0, 1, Vec::new());
    while at < chars.len() {
        let start = at;
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        let text = match chars[at] {
            '/' if next == '/' => skip(&mut at, |at| chars.get(at).is_none_or(|c| *c == '\n')),
            '/' if next == '*' => {
                let mut depth = 0;
                loop {
                    match (chars.get(at), chars.get(at + 1)) {
                        (Some('/'), Some('*')) => (depth, at) = (depth + 1, at + 2),
                        (Some('*'), Some('/')) => (depth, at) = (depth - 1, at + 2),
                        (Some(_), _) => at += 1,
                        (None, _) => break,
                    }
                    if depth == 0 {
                        break;
                    }
                }
                None
            }
            'r' | 'b' | 'c' if raw_string_end(&chars, at).is_some() => {
                at = raw_string_end(&chars, at).expect("it was just found");
                Some("\"".to_owned())
            }
            '"' => {
                at += 1;
                while at < chars.len() && chars[at] != '"' {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
                Some("\"".to_owned())
            }
            '\'' if next == '\\' || chars.get(at + 2) == Some(&'\'') => {
                at += if next == '\\' { 3 } else { 2 };
                skip(&mut at, |at| chars.get(at).is_none_or(|c| *c == '\''));
                at += 1;
                Some("\"".to_owned())
            }
            ':' if next == ':' => {
                at += 2;
                Some("::".to_owned())
            }
            first if first.is_alphanumeric() || first == '_' => {
                skip(&mut at, |at| chars.get(at).is_none_or(|c| !c.is_alphanumeric() && *c != '_'));
                Some(chars[start..at].iter().collect())
            }
            other => {
                at += 1;
                (!other.is_whitespace()).then(|| other.to_string())
            }
        };
        tokens.extend(text.map(|text| Token { line, text }));
        line += chars[start..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// Moves on to where `end` holds. Never a token.
fn skip(at: &mut usize, end: impl Fn(usize) -> bool) -> Option<String> {
    while !end(*at) {
        *at += 1;
    }
    None
}

/// Where a raw string that begins at `at` is over.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let prefix = chars[at..].iter().take_while(|c| c.is_ascii_alphabetic()).count();
    let hashes = chars[at + prefix..].iter().take_while(|c| **c == '#').count();
    let is_raw = prefix <= 2 && chars[at..at + prefix].ends_with(&['r']);
    if !is_raw || chars.get(at + prefix + hashes) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = at + prefix + hashes + 1;
    let end = chars[body..].windows(closing.len()).position(|window| window == closing)?;
    Some(body + end + closing.len())
}

/// For each token whether it is in code that only tests compile.
fn test_regions(file: &str, tokens: &[Token]) -> Vec<bool> {
    let whole = file.ends_with("/tests.rs") || file.contains("/tests/");
    let mut marks = vec![whole; tokens.len()];
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    for start in 0..tokens.len() {
        if tokens[start..].iter().map(|token| token.text.as_str()).take(attribute.len()).eq(attribute) {
            let mut depth = 0;
            for (at, token) in tokens.iter().enumerate().skip(start + attribute.len()) {
                marks[at] = true;
                depth += i32::from(token.text == "{") - i32::from(token.text == "}");
                if depth == 0 && matches!(token.text.as_str(), "}" | ";") {
                    break;
                }
            }
        }
    }
    marks
}

/// A path as the code names it, with `self` and `super` resolved to `crate::…`.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    line: usize,
    path: String,
}

fn paths(file: &str, tokens: &[Token]) -> Vec<Named> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let is_name = |at: usize| text(at).starts_with(|c: char| c.is_alphabetic() || c == '_');
    let children: BTreeSet<&str> =
        (0..tokens.len()).filter(|at| text(*at) == "mod" && text(at + 2) == ";").map(|at| text(at + 1)).collect();
    // `cli/mod.rs` and `cli.rs` are both `cli`.
    let mut module: Vec<&str> = file.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    if matches!(file, "lib.rs" | "main.rs") {
        module.clear();
    }
    let (mut depth, mut inline) = (0_usize, Vec::new());
    let (mut at, mut found): (usize, Vec<Named>) = (0, Vec::new());
    let mut imported = BTreeMap::new();
    while at < tokens.len() {
        match text(at) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                    module.pop();
                }
            }
            "mod" if text(at + 2) == "{" => {
                inline.push(depth);
                module.push(text(at + 1));
            }
            "use" if text(at + 1) != "<" => {
                let mut spread = Vec::new();
                at = use_tree(tokens, at + 1, "", &mut spread);
                for named in spread {
                    let named = resolve(named, &module);
                    let name = named.path.rsplit("::").next().unwrap_or_default().to_owned();
                    imported.insert(name, named.path.clone());
                    found.push(named);
                }
                continue;
            }
            _ => {}
        }
        let begins = is_name(at) && text(at + 1) == "::" && (at == 0 || !matches!(text(at - 1), "." | "::" | "fn"));
        let begins_global = is_name(at) && at > 1 && text(at - 1) == "::" && !is_name(at - 2) && text(at - 2) != ">";
        if begins || begins_global {
            let (line, mut path) = (tokens[at].line, text(at).to_owned());
            while text(at + 1) == "::" && is_name(at + 2) {
                path = format!("{path}::{}", text(at + 2));
                at += 2;
            }
            let (first, rest) = path.split_once("::").unwrap_or((&path, ""));
            if children.contains(first) && inline.is_empty() {
                path = format!("self::{path}");
            } else if let Some(full) = imported.get(first) {
                path = format!("{full}::{rest}");
            }
            found.push(resolve(Named { line, path }, &module));
        }
        at += 1;
    }
    found
}

/// Follows `self` and `super` from a module.
fn resolve(named: Named, module: &[&str]) -> Named {
    let mut segments = named.path.trim_end_matches("::self").split("::").peekable();
    let mut from = module.to_vec();
    let path: Vec<&str> = match segments.peek() {
        Some(&("self" | "super")) => {
            while let Some(step) = segments.next_if(|segment| matches!(*segment, "self" | "super")) {
                if step == "super" {
                    from.pop();
                }
            }
            std::iter::once("crate").chain(from).chain(segments).collect()
        }
        // How the binary names the library.
        Some(&"vestibule") => std::iter::once("crate").chain(segments.skip(1)).collect(),
        _ => segments.collect(),
    };
    Named { path: path.join("::"), ..named }
}

/// Spreads the tree that begins at `at` into paths; the index after it.
fn use_tree(tokens: &[Token], mut at: usize, before: &str, found: &mut Vec<Named>) -> usize {
    let text = |at: usize| tokens.get(at).map_or(";", |token| token.text.as_str());
    let mut path = before.to_owned();
    loop {
        match text(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while text(at) != "}" && text(at) != ";" {
                    at = use_tree(tokens, at, &path, found);
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "as" => at += 2,
            "," | "}" | ";" => {
                found.push(Named { line: tokens[at - 1].line, path });
                return at + usize::from(text(at) == ";");
            }
            segment => {
                path = if path.is_empty() { segment.to_owned() } else { format!("{path}::{segment}") };
                at += 1;
            }
        }
    }
}

/// What a made-up file at a place breaks, one line each, without its name.
fn broken_by(file: &str, code: &str) -> Vec<String> {
    let flows = flow_names(["flows/login.rs", "flows/refresh.rs", "flows/proof.rs", "flows/open.rs"].into_iter());
    let all = violations(file, &format!("//! Made up.\n{code}"), &flows);
    all.into_iter().map(|line| line.trim_start_matches(&format!("src/{file}:")).to_owned()).collect()
}

#[track_caller]
fn assert_broken(file: &str, code: &str, beginning: &str) {
    let broken = broken_by(file, code);
    assert!(broken.first().is_some_and(|line| line.starts_with(beginning)), "{file}: {code}\n{broken:#?}");
}

#[test]
fn an_arrow_upwards_is_caught_however_it_is_written() {
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
    assert_broken(
        "flows/refresh.rs",
        "use super::{Vestibule, login::Login, proof};",
        "2: the flow `refresh` names the flow",
    );
    assert_broken("flows/refresh.rs", "fn f() { super::login::login() }", "2: the flow `refresh`");
    assert_broken("flows/refresh.rs", "use crate::flows;\nfn f() { flows::login::login() }", "3: the flow `refresh`");
    assert_broken("flows/refresh.rs", "use super::*;", "2: the flow `refresh`");
    assert_broken("flows/mod.rs", "pub mod login;\nfn f() { login::login() }", "3: the flow `mod`");
}

#[test]
fn a_dependency_away_from_its_door_is_caught() {
    assert_broken("flows/login.rs", "use sqlx::SqlitePool;", "2: `sqlx::SqlitePool` belongs in store/mod.rs, ");
    assert_broken("store/users.rs", "fn f() { sqlx::query(\"select 1\") }", "2: `sqlx::query` belongs in store/mod.rs");
    assert_broken("domain/user.rs", "#[rocket::async_trait]\ntrait T {}", "2: `rocket::async_trait` belongs");
    assert_broken("cli/user.rs", "fn f() { rocket::execute(async {}) }", "2: `rocket::execute`");
    assert_broken("cli/mod.rs", "fn f() { rocket::build() }", "2: `rocket::build`");
    assert_broken("domain/jwt.rs", "fn f() { ::argon2::f() }", "2: `argon2::f` belongs in memory/hasher.rs only");
    assert_broken("store/audit.rs", "fn f<T: tokio::io::A>(_: figment::Value) {}", "2: `figment::Value`");
}

#[test]
fn a_look_at_the_wall_clock_is_caught() {
    assert_broken(
        "flows/login.rs",
        "fn f() { std::time::SystemTime::now(); }",
        "2: `std::time::SystemTime::now` reads",
    );
    assert_broken("http/cookies.rs", "use time::OffsetDateTime;\nfn f() { OffsetDateTime::now_utc(); }", "3: ");
    assert_broken("domain/id.rs", "fn f() { uuid::Uuid::now_v7(); }", "2: `uuid::Uuid::now_v7` reads");
}

#[test]
fn size_heading_and_unwrap_are_caught() {
    assert_broken("domain/id.rs", &"\n".repeat(MOST_LINES), "401: has 401 lines");
    assert_broken("domain/id.rs", "fn f() { None.unwrap() }", "2: `unwrap` outside tests");
    let headless = violations("domain/id.rs", "// What it is.\n", &BTreeSet::new());
    assert_eq!(headless, ["src/domain/id.rs:1: begins with no `//!` that says what it is"]);
}

#[test]
fn what_is_allowed_passes() {
    let allowed = [
        ("domain/jwt.rs", "use jsonwebtoken::{Header, Validation};\nuse super::{UnixTime, time::numeric_date};"),
        ("domain/mod.rs", "mod time;\npub use self::time::UnixTime;\nfn f() { time::g() }"),
        (
            "flows/login.rs",
            "use super::{Vestibule, proof};\nuse crate::{config::Config, memory::{hasher::{self, Hasher}}, random};",
        ),
        ("flows/mod.rs", "pub mod open;\nstruct V { _held: open::Held }"),
        ("http/mod.rs", "use rocket::figment::Figment;\nuse crate::flows::Vestibule;"),
        ("cli/mod.rs", "fn f() { rocket::execute(async {}) }"),
        ("lib.rs", "pub mod http;\npub use self::http::guards::AccessToken;"),
        ("main.rs", "fn main() { vestibule::cli::main() }"),
        ("clock.rs", "fn f() { std::time::SystemTime::now(); }"),
        // Words in comments and texts are no names, fields and locals neither.
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

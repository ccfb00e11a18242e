//! The search for circles of dependencies: no file may depend on itself, not even through other files.
//!
//! A file has an arrow to each file that defines an item that it names. Imports and re-exports are followed to the file that
//! defines the item. The lines `mod` and `pub use` create no arrow. Code that only tests compile is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Named, paths, test_regions, tokens};

/// For each file the files that it names. File names are relative to `src/`.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The paths and imports of a file.
struct File {
    /// The paths that its code names, including the imports.
    named: Vec<Named>,
    /// The full path of each name that a `use` imports.
    imported: BTreeMap<String, String>,
}

/// Returns the arrows between files. `sources` contains the name and the text of each file.
pub fn arrows(sources: &[(String, String)]) -> Arrows {
    let modules: BTreeMap<String, &str> = sources.iter().map(|(file, _)| (module(file), file.as_str())).collect();
    let files: BTreeMap<&str, File> = sources.iter().map(|(file, text)| (file.as_str(), read(file, text))).collect();
    let mut arrows = Arrows::new();
    for (file, read) in &files {
        let code = read.named.iter().filter(|named| !named.exported);
        let to = code.filter_map(|named| defining(&named.path, &modules, &files, 0)).filter(|to| to != file);
        arrows.insert((*file).to_owned(), to.map(str::to_owned).collect());
    }
    arrows
}

/// Returns for each file that is on a circle a shortest way from the file back to itself.
pub fn circles(arrows: &Arrows) -> Vec<Vec<&str>> {
    arrows.keys().filter_map(|file| way_back(file, arrows)).collect()
}

/// Returns a shortest way from a file back to itself, or `None` if the file is on no circle. Searches breadth first.
fn way_back<'a>(start: &'a str, arrows: &'a Arrows) -> Option<Vec<&'a str>> {
    let mut reached: BTreeMap<&str, &str> = BTreeMap::new();
    let mut edge = vec![start];
    while !edge.is_empty() {
        let mut next = Vec::new();
        for from in edge {
            for to in arrows.get(from).into_iter().flatten() {
                if to == start {
                    let mut way = vec![start, from];
                    while way.last() != Some(&start) {
                        way.push(reached[way[way.len() - 1]]);
                    }
                    way.reverse();
                    return Some(way);
                }
                if !reached.contains_key(to.as_str()) {
                    reached.insert(to, from);
                    next.push(to.as_str());
                }
            }
        }
        edge = next;
    }
    None
}

/// Returns the path of a file's module: `crate::http::pages` for `http/pages/mod.rs`.
fn module(file: &str) -> String {
    let parts = file.trim_end_matches(".rs").split('/').filter(|part| !matches!(*part, "mod" | "lib"));
    std::iter::once("crate").chain(parts).collect::<Vec<_>>().join("::")
}

/// Reads the paths and imports of a file, except those in lines of tests.
fn read(file: &str, text: &str) -> File {
    let tokens = tokens(text);
    let in_tests = test_regions(file, &tokens);
    let lines_of_tests: BTreeSet<usize> =
        tokens.iter().zip(&in_tests).filter(|(_, in_tests)| **in_tests).map(|(token, _)| token.line).collect();
    let named = paths(file, &tokens).into_iter().filter(|named| !lines_of_tests.contains(&named.line));
    let named: Vec<Named> = named.filter(|named| named.path.starts_with("crate::")).collect();
    let imports = named.iter().filter_map(|named| Some((named.name.clone()?, named.path.clone())));
    File { imported: imports.collect(), named }
}

/// Returns the file that defines the item that a path names. Returns `None` if the path names a module, which is only the
/// beginning of other paths, or an item of another crate. `depth` counts the re-exports that were followed; it ends a circle of
/// re-exports.
fn defining<'a>(
    path: &str,
    modules: &BTreeMap<String, &'a str>,
    files: &BTreeMap<&str, File>,
    depth: usize,
) -> Option<&'a str> {
    let segments: Vec<&str> = path.split("::").collect();
    let known = (1..=segments.len()).rev().find(|end| modules.contains_key(&segments[..*end].join("::")))?;
    let file = modules[&segments[..known].join("::")];
    let item = segments.get(known)?;
    let imported = files.get(file).filter(|_| depth < 8).and_then(|read| read.imported.get(*item));
    let full = imported.map(|full| [&[full.as_str()], &segments[known + 1..]].concat().join("::"));
    full.and_then(|full| defining(&full, modules, files, depth + 1)).or(Some(file))
}

#[cfg(test)]
mod tests {
    use super::{arrows, circles};

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<(String, String)> =
            sources.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        circles(&arrows(&sources)).into_iter().map(|way| way.join(" → ")).collect()
    }

    #[test]
    fn a_circle_is_found_over_any_number_of_steps_and_through_re_exports() {
        let direct = [("a.rs", "use crate::b::B;"), ("b.rs", "fn f() { crate::a::f() }")];
        assert_eq!(found(&direct), ["a.rs → b.rs → a.rs", "b.rs → a.rs → b.rs"]);
        let longer = [
            ("a.rs", "use crate::b;\nfn f() { b::f() }"),
            ("b.rs", "use super::c::C;"),
            ("c.rs", "type T = crate::a::A;"),
        ];
        assert_eq!(found(&longer).len(), 3);
        let exported = [
            ("x/mod.rs", "mod a;\nmod b;\npub use self::{a::A, b::B};"),
            ("x/a.rs", "use super::B;"),
            ("x/b.rs", "use crate::x::A;"),
        ];
        assert_eq!(found(&exported).len(), 2);
    }

    #[test]
    fn re_exports_and_tests_are_no_circle() {
        let sources = [
            ("x/mod.rs", "mod a;\nmod b;\npub use self::{a::A, b::B};"),
            ("x/a.rs", "use super::B;\n#[cfg(test)]\nmod tests { use crate::x::b::B; }"),
            ("x/b.rs", "#[cfg(test)]\nmod tests {\n    use crate::x::a::A;\n}"),
        ];
        assert_eq!(found(&sources), Vec::<String>::new());
    }
}

//! The short form: every target, on its seeds and on changes of them.

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use super::TARGETS;

/// The number of changed inputs for each target.
const CHANGED: usize = 3_000;

/// The number of changed inputs for the targets that take longest.
const FEWER: &[(&str, usize)] = &[
    ("accounts", 1_000),
    ("config", 80),
    ("dotenv", 200),
    ("fingerprint", 300),
    ("glob", 1_000),
    ("request", 600),
    ("seed", 600),
];

/// Returns the folder of the fuzz targets.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Returns the seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A generator of numbers that are always the same (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`; 0 if `bound` is 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// The texts that a change inserts: the separators of the formats, and what parsers disagree about.
const TOKENS: &[&str] = &[
    "/", "\\", "..", ".", "%2e", "%2F", "%25", "%", "//", "@", ":", ";", ",", "=", "&", "?", "#", "*", "**", "\"", "'",
    " ", "\t", "\n", "\r\n", "\0", "{", "}", "[", "]", "null", "-1", "0", "18446744073709551616", "1e999", "\u{feff}",
    "\u{200b}", "\u{ff0f}", "\u{ff20}", "\u{fffd}", "\u{130}", "\u{df}", "xn--", "__Host-", "$", "~", "-----BEGIN ",
    "A", "a", "9",
];

/// Returns a changed copy of a seed: one to four steps, each of which removes, repeats, replaces or inserts something, or takes
/// a part of another seed.
fn changed(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(12)).min(bytes.len());
        match numbers.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let part = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, part));
            }
            2 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            3 => {
                let other = &seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len() + 1);
                let part = other[from..(from + numbers.below(40)).min(other.len())].to_vec();
                drop(bytes.splice(at..end, part));
            }
            4 => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, TOKENS[numbers.below(TOKENS.len())].bytes())),
        }
    }
    bytes
}

/// Runs a target. Returns the message if it panics.
fn run(target: fn(&[u8]), input: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| target(input))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// Runs a target on its seeds and on changes of them. Returns the first message, with the input.
fn first_failure(name: &str, target: fn(&[u8])) -> Option<String> {
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    let mut numbers = Numbers(1);
    let simple = [&b""[..], b"\n", b"\xff\n\xfe\n\xfd"].map(<[u8]>::to_vec);
    let count = FEWER.iter().find(|(slow, _)| *slow == name).map_or(CHANGED, |(_, count)| *count);
    let changed = (0..count).map(|_| changed(&seeds, &mut numbers));
    let mut inputs = seeds.iter().cloned().chain(simple).chain(changed);
    inputs.find_map(|input| {
        let message = run(target, &input).err()?;
        Some(format!("{name}: {message}\nthe input: \"{}\"", input.escape_ascii()))
    })
}

#[test]
fn every_target_passes_on_its_seeds_and_on_changes_of_them() {
    let failures: Vec<String> = TARGETS.iter().filter_map(|(name, target)| first_failure(name, *target)).collect();
    assert!(failures.is_empty(), "{} targets fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_target_has_a_binary_and_every_folder_of_seeds_a_target() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for name in &names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml has no binary {name}");
        let source = fs::read_to_string(folder().join(format!("targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("vestibule::fuzzing::{name}(data)")), "targets/{name}.rs runs another target");
    }
    let entries = fs::read_dir(folder().join("seeds")).unwrap();
    let folders: BTreeSet<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(folders, names);
}

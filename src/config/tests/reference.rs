//! `Rocket.toml` in the repository is what the table of keys says.

use std::fmt::Write as _;

use super::{Place, dev, loaded, serve};
use crate::config::{
    Profile,
    schema::{DefaultValue, KEYS},
};

const FILE: &str = include_str!("../../../Rocket.toml");

const HEADER: &str = "\
# Every option, commented out, with its default or an example and what it means. The server runs without this file.
#
# Later wins: defaults, this file (or --config FILE), .env in the working directory, VESTIBULE_<KEY> in the environment
# (a list as a,b), the command line. An unknown key or a bad value stops the start; `vestibule config check` tries it.
# Options for `vestibule dev` alone go under [dev.auth]; Rocket's own settings under [default].
# Secrets belong in the environment or in files of their own, not here.

[default.auth]
";

/// The file as the table has it.
fn reference() -> String {
    let mut text = HEADER.to_owned();
    let mut section = None;
    for key in KEYS {
        if section.replace(key.section) != Some(key.section) {
            write!(text, "\n## {}\n\n", key.section.name()).unwrap();
        }
        write!(text, "# {}", key.meaning).unwrap();
        match key.dev {
            Some(DefaultValue::Derived(_)) | None => text.push('\n'),
            Some(default) => writeln!(text, "; in the profile dev {default}").unwrap(),
        }
        let name = match key.name.strip_prefix("clients.<id>.") {
            None => key.name,
            Some(setting) => {
                if !text.contains("[default.auth.clients") {
                    let at = text.rfind("# ").unwrap();
                    text.insert_str(
                        at,
                        "# a table for each; the client `default` is always there\n#[default.auth.clients.web]\n",
                    );
                }
                setting
            }
        };
        writeln!(text, "#{name} = {}", key.default).unwrap();
    }
    text
}

/// `Rocket.toml` with the option lines uncommented that `wanted` picks by the key as the table has it.
fn uncommented(wanted: impl Fn(&str) -> bool) -> String {
    let mut prefix = "";
    let mut text = String::new();
    for line in FILE.lines() {
        let option = line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#']));
        if option.is_some_and(|option| option.starts_with('[')) {
            prefix = "clients.<id>.";
        }
        let name = option.and_then(|option| option.split(" = ").next());
        let picked = name.is_some_and(|name| wanted(&format!("{prefix}{name}")));
        text += option.filter(|_| picked).unwrap_or(line);
        text.push('\n');
    }
    text
}

#[test]
fn the_file_lists_exactly_the_keys_of_the_table() {
    let expected = reference();
    assert!(FILE == expected, "Rocket.toml should be:\n{expected}");
}

#[test]
fn the_file_changes_nothing_as_it_stands() {
    let place = Place::new(Profile::Serve).file("Rocket.toml", FILE);
    assert_eq!(place.loaded().entries, loaded(&serve()).entries);
}

#[test]
fn the_defaults_it_lists_are_the_defaults() {
    let fixed =
        |name: &str| KEYS.iter().any(|key| key.name == name && !matches!(key.default, DefaultValue::Derived(_)));
    let place = Place::new(Profile::Serve).file("Rocket.toml", uncommented(fixed));
    let loaded_from_file = place.loaded().entries;
    for (listed, default) in loaded_from_file.iter().zip(&loaded(&serve()).entries) {
        assert_eq!((&listed.key, &listed.value), (&default.key, &default.value));
        assert_eq!(listed.origin == "Rocket.toml", fixed(&listed.key), "{}", listed.key);
    }
}

#[test]
fn the_examples_it_gives_are_allowed() {
    let secret = ["root_secret", "root_secret_file", "secret_key", "secret_key_file"];
    let place = Place::new(Profile::Serve).file("Rocket.toml", uncommented(|name| !secret.contains(&name)));
    // Except that with a cookie_domain, the names of cookies can't begin with __Host-.
    let problems = place.problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.contains("__Host- can't be used with cookie_domain")));
}

#[test]
fn every_key_of_the_table_is_read_in_both_profiles() {
    for sources in [serve(), dev()] {
        let entries = loaded(&sources).entries;
        let unread = KEYS.iter().filter(|key| !entries.iter().any(|entry| key.stands_for(&entry.key)));
        assert_eq!(unread.map(|key| key.name).collect::<Vec<_>>(), Vec::<&str>::new());
        assert_eq!(entries.len(), KEYS.len());
    }
}

//! Tests that `Rocket.toml` and the table in `README.md` agree with the declarations of the keys. `RENEW=1 cargo test --lib
//! reference` generates both again.

use std::{collections::BTreeSet, env, fmt::Write as _, fs};

use figment::value::{Num, Value};

use super::{SourceDirectory, dev, loaded, serve};
use crate::config::{Profile, SCHEMA, schema::Key};

const FILE: &str = include_str!("../../../Rocket.toml");
const README: &str = include_str!("../../../README.md");

/// The beginning of `Rocket.toml`.
const HEADER: &str = "\
# Every option, commented out, with its default or an example and what it means. The server runs without this file.
#
# A later source wins over an earlier one: defaults, this file (or --config FILE), .env in the working directory,
# VESTIBULE_<KEY> in the environment (a list as a,b), the command line. An unknown key or a bad value stops the start;
# `vestibule config check` checks the configuration without a start.
# Options for `vestibule dev` alone belong under [dev.auth], Rocket's own settings under [default].
# Secrets belong in the environment or in files of their own, not here.

[default.auth]
";

/// The beginning of the keys that are in tables, and the text before them in `Rocket.toml`.
const TABLES: [(&str, &str); 2] = [
    (
        "clients.<id>.",
        "# Each client has a table of its own. The client `default` is always there.\n#[default.auth.clients.web]\n",
    ),
    (
        "sites.<id>.",
        "# Each host behind forward authentication may have a table. `*.example.com` is every host below example.com.\n\
         #[default.auth.sites.\"app.example.com\"]\n",
    ),
];

/// The maximum width of a comment line, in bytes.
const WIDTH: usize = 120;

/// Returns a text as comment lines of at most [`WIDTH`] bytes.
fn comment(text: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("a line");
        if line.len() + 1 + word.len() > WIDTH {
            lines.push(format!("# {word}"));
        } else {
            write!(line, " {word}").unwrap();
        }
    }
    lines.join("\n")
}

/// Returns the default of a key, or its example if it has no default, as TOML.
fn shown_value(key: &Key) -> String {
    let example = || match key.example.bytes().all(|byte| byte.is_ascii_digit()) && !key.example.is_empty() {
        true => key.example.to_owned(),
        false => format!("{:?}", key.example),
    };
    key.default_in(Profile::Serve).as_ref().map_or_else(example, toml_text)
}

/// Returns the meaning of a key, with its default in the profile `dev` if that differs.
fn meaning(key: &Key) -> String {
    let [serve, dev] = [Profile::Serve, Profile::Dev].map(|profile| key.default_in(profile));
    match dev.filter(|dev| serve.as_ref() != Some(dev)) {
        Some(dev) => format!("{} In the profile `dev`: `{}`.", key.meaning(), toml_text(&dev)),
        None => key.meaning().to_owned(),
    }
}

/// Returns the text of `Rocket.toml` that follows from the declarations.
fn rocket_toml() -> String {
    let mut text = HEADER.to_owned();
    let mut section = "";
    for key in SCHEMA.keys() {
        let is_new = section != key.section;
        section = key.section;
        if is_new {
            write!(text, "\n## {section}\n\n").unwrap();
        }
        let setting = TABLES.iter().find_map(|(table, header)| {
            let setting = key.name.strip_prefix(table)?;
            if !text.contains(header) {
                text += header;
            }
            Some(setting)
        });
        writeln!(text, "{}\n#{} = {}", comment(&meaning(key)), setting.unwrap_or(key.name), shown_value(key)).unwrap();
    }
    text
}

const TABLE_BEGINS: &str = "| option | default | meaning |\n| --- | --- | --- |\n";

/// Returns `README.md` with the table of the main keys that follows from the declarations.
fn readme() -> String {
    let (before, rest) = README.split_once(TABLE_BEGINS).expect("the table of options");
    let (_, after) = rest.split_once("\n\n").expect("text after the table");
    let mut text = format!("{before}{TABLE_BEGINS}");
    for key in SCHEMA.keys().filter(|key| key.main) {
        let default =
            key.default_in(Profile::Serve).map_or("none".to_owned(), |value| format!("`{}`", toml_text(&value)));
        writeln!(text, "| `{}` | {default} | {} |", key.name, meaning(key).replace('|', "\\|")).unwrap();
    }
    text + "\n" + after
}

/// Compares the text of a file with the expected text. If the variable `RENEW` is set, writes the expected text instead.
fn check(name: &str, found: &str, expected: &str) {
    if env::var_os("RENEW").is_some() {
        fs::write(format!("{}/{name}", env!("CARGO_MANIFEST_DIR")), expected).unwrap();
        return;
    }
    let lines = found.lines().zip(expected.lines()).enumerate();
    for (number, (found, expected)) in lines {
        assert_eq!(
            found,
            expected,
            "line {} of {name}; `RENEW=1 cargo test --lib reference` writes it anew",
            number + 1
        );
    }
    assert_eq!(found, expected);
}

#[test]
fn the_file_contains_exactly_the_declared_keys() {
    check("Rocket.toml", FILE, &rocket_toml());
}

#[test]
fn the_readme_lists_exactly_the_main_keys() {
    check("README.md", README, &readme());
}

#[test]
fn the_contract_contains_every_key() {
    let page = include_str!("../../../docs/contract/configuration.md");
    let missing = SCHEMA
        .keys()
        .map(|key| key.name.rsplit("<id>.").next().unwrap_or_default().to_owned())
        .filter(|name| !page.contains(&format!("`{name}`")));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn each_key_is_declared_once_and_has_a_meaning() {
    let mut names = BTreeSet::new();
    for key in SCHEMA.keys() {
        assert!(names.insert(key.name), "{} is declared twice", key.name);
        assert!(key.meaning().ends_with('.') && key.meaning().len() > 20, "{}: {:?}", key.name, key.meaning());
        let has_value = key.default_in(Profile::Serve).is_some() || !key.example.is_empty() || key.secret;
        assert!(has_value, "{} has neither a default nor an example", key.name);
    }
    assert_eq!(names.len(), SCHEMA.keys().count());
}

#[test]
fn the_entries_of_config_show_agree_with_the_declarations() {
    for entry in loaded(&serve()).config.entries {
        let key = SCHEMA.find(&entry.key).expect("a declared key");
        assert_eq!((entry.section, entry.meaning), (key.section, key.meaning()));
        if let Some(default) = key.default_in(Profile::Serve) {
            let sources_dir = SourceDirectory::new(Profile::Serve)
                .file("Rocket.toml", format!("[default.auth]\n{} = {}\n", key.name, toml_text(&default)));
            assert_eq!(sources_dir.entry(key.name).0, entry.value.to_string(), "{}", key.name);
        }
    }
}

/// Returns `Rocket.toml`, in which the option lines are active whose declared name satisfies `wanted`.
fn uncommented(wanted: impl Fn(&str) -> bool) -> String {
    let mut prefix = "";
    let mut tables = TABLES.iter();
    let mut text = String::new();
    for line in FILE.lines() {
        let option = line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#']));
        if option.is_some_and(|option| option.starts_with('[')) {
            prefix = tables.next().expect("a table of the list").0;
        }
        let name = option.and_then(|option| option.split(" = ").next());
        let picked = name.is_some_and(|name| wanted(&format!("{prefix}{name}")));
        text += option.filter(|_| picked).unwrap_or(line);
        text.push('\n');
    }
    text
}

#[test]
fn the_file_changes_no_setting() {
    let sources_dir = SourceDirectory::new(Profile::Serve).file("Rocket.toml", FILE);
    assert_eq!(sources_dir.loaded().config.entries, loaded(&serve()).config.entries);
}

#[test]
fn the_defaults_in_the_file_are_the_defaults() {
    let fixed = |name: &str| {
        !name.starts_with("sites.<id>.")
            && SCHEMA.find(name).is_some_and(|key| key.default_in(Profile::Serve).is_some())
    };
    let sources_dir = SourceDirectory::new(Profile::Serve).file("Rocket.toml", uncommented(fixed));
    let loaded_from_file = sources_dir.loaded().config.entries;
    for (listed, default) in loaded_from_file.iter().zip(&loaded(&serve()).config.entries) {
        assert_eq!((&listed.key, &listed.value), (&default.key, &default.value));
        assert_eq!(listed.origin == "Rocket.toml", fixed(&listed.key), "{}", listed.key);
    }
}

#[test]
fn the_examples_in_the_file_are_allowed() {
    // Secrets are weak or absent in the file, and the example of a logo is the path of no file.
    let left_out = ["root_secret", "root_secret_file", "secret_key", "secret_key_file", "site_logo", "metrics_token"];
    let sources_dir =
        SourceDirectory::new(Profile::Serve).file("Rocket.toml", uncommented(|name| !left_out.contains(&name)));
    // The only problem: with the example of cookie_domain, the name of the access cookie can't begin with __Host-.
    let problem = sources_dir.problem();
    assert!(problem.starts_with("access_cookie_name") && problem.contains("__Host- can't be used with cookie_domain"));
}

#[test]
fn every_declared_key_is_read_in_both_profiles() {
    for sources in [serve(), dev()] {
        let sources = sources.set("sites.app.example.com.roles", "friends");
        let entries = loaded(&sources).config.entries;
        let unread = SCHEMA.keys().filter(|key| !entries.iter().any(|entry| key.is_for(&entry.key)));
        assert_eq!(unread.map(|key| key.name).collect::<Vec<_>>(), Vec::<&str>::new());
        assert_eq!(entries.len(), SCHEMA.keys().count());
    }
}

/// Returns a value as TOML.
fn toml_text(value: &Value) -> String {
    match value {
        Value::Bool(_, switch) => switch.to_string(),
        Value::Num(_, Num::F64(number)) => number.to_string(),
        Value::Array(_, items) => format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        value => match (value.as_str(), value.to_i128()) {
            (None, Some(number)) => number.to_string(),
            (text, _) => format!("{:?}", text.unwrap_or_default()),
        },
    }
}

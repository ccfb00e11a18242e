//! The configuration file. It is TOML, with one table for each profile as in any `Rocket.toml`. The keys of this program are in
//! the table `auth` of each profile.
//!
//! The file is not read through figment's provider, because an error of that provider quotes the affected line, which may
//! contain a secret.

use std::path::Path;

use figment::{
    Profile,
    providers::{Format as _, Toml},
    value::{Dict, Map, Value},
};

use super::{gathered::Gathered, schema::TABLES, suggest::edit_distance};
use crate::files::read_text;

/// Names beside `auth` in the table of a profile that are always accepted: the settings of Rocket and of common extensions.
/// Some of them are also names of keys of this program (`secret_key`) or are similar to `auth` (`oauth`).
const NAMES_OF_OTHERS: [&str; 18] = [
    "address", "cli_colors", "databases", "ident", "ip_header", "keep_alive", "limits", "log_level", "max_blocking",
    "oauth", "port", "proxy_proto_header", "secret_key", "shutdown", "temp_dir", "template_dir", "tls", "workers",
];

/// Returns whether the file has a table `auth` in any profile. Also `true` for a file that can't be read, so that its
/// problem is reported.
pub(super) fn has_ours(path: &Path) -> bool {
    let profiles = read_text(path).ok().and_then(|text| Toml::from_str::<Dict>(&text).ok());
    let has_auth = |value: &Value| value.as_dict().is_some_and(|table| table.contains_key("auth"));
    profiles.is_none_or(|profiles| profiles.contains_key("auth") || profiles.values().any(has_auth))
}

/// Reads the file at `path` and passes its values to `gathered`: the keys of this program from the tables of `profile`, and
/// Rocket's own settings. Messages call the file `name`. Records a problem if the file can't be read or is not TOML.
pub(super) fn read(path: &Path, name: &str, profile: &Profile, gathered: &mut Gathered) {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(wrong) => return gathered.problem(&path.display().to_string(), "the configuration file", &wrong),
    };
    let profiles: Dict = match Toml::from_str(&text) {
        Ok(profiles) => profiles,
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = error.message().replace('\n', "; ");
            return gathered.problem(&format!("line {line}"), name, &format!("not TOML: {message}"));
        }
    };
    let mut tables = split_tables(profiles, name, gathered);
    gathered.merge_rocket(name.to_owned(), without_auth(&tables));

    // The order of figment: a value in the profile's table replaces the default, and a value in `global` replaces both.
    for profile in [&Profile::Default, profile, &Profile::Global] {
        for (key, value) in tables.remove(profile).unwrap_or_default() {
            match (key.as_str(), value) {
                ("auth", Value::Dict(_, ours)) => {
                    ours.into_iter().for_each(|(key, value)| gathered.put(&key, value, name))
                }
                ("auth", _) => gathered.problem("auth", name, &format!("must be a table, [{profile}.auth]")),
                (key, value) => {
                    gathered.put_from_rocket(key, &value, name);
                    refuse_misplaced_key(key, &value, profile, name, gathered);
                }
            }
        }
    }
    refuse_unused(&tables, profile, name, gathered);
}

/// Returns the tables without `auth`: Rocket's own settings, and those of the application.
fn without_auth(tables: &Map<Profile, Dict>) -> Map<Profile, Dict> {
    let mut tables = tables.clone();
    tables.values_mut().for_each(|table| drop(table.remove("auth")));
    tables
}

/// Refuses each table `auth` that is left after the tables in use were taken out, such as `[prod.auth]`. Those of the profiles
/// of this program are allowed. The message names the profile `selected`.
fn refuse_unused(tables: &Map<Profile, Dict>, selected: &Profile, name: &str, gathered: &mut Gathered) {
    for (profile, table) in tables {
        if table.contains_key("auth") && profile != "release" && profile != "dev" {
            let message = format!(
                "is not in use, since the profile is {selected}; write [default.auth], or set ROCKET_PROFILE={profile}"
            );
            gathered.problem(&format!("[{profile}.auth]"), name, &message);
        }
    }
}

/// Splits the file by profile. Records a problem for a table `[auth]` without a profile, and for a key outside of the tables.
fn split_tables(profiles: Dict, name: &str, gathered: &mut Gathered) -> Map<Profile, Dict> {
    let mut tables = Map::new();
    for (profile, value) in profiles {
        match value {
            Value::Dict(_, _) if profile == "auth" => {
                gathered.problem("[auth]", name, "is the table of a profile of that name; write [default.auth]");
            }
            Value::Dict(_, table) => drop(tables.insert(Profile::from(profile.as_str()), table)),
            _ => gathered.problem(&profile, name, "is outside of a table; put it under [default.auth]"),
        }
    }
    tables
}

/// Refuses a key of this program beside `auth`, and a table whose name is similar to `auth`. Rocket ignores keys that it does
/// not know, so these settings would be lost silently. Other keys belong to the application that embeds the server.
fn refuse_misplaced_key(key: &str, value: &Value, profile: &Profile, name: &str, gathered: &mut Gathered) {
    if NAMES_OF_OTHERS.contains(&key) {
        return;
    }
    if TABLES.contains(&key) || gathered.schema.find(key).is_some() {
        let wanted = format!("is not read in [{profile}]; move it under [{profile}.auth]");
        gathered.problem(key, name, &wanted);
    } else if matches!(value, Value::Dict(_, _)) && edit_distance(&key.to_ascii_lowercase(), "auth").is_some() {
        let subject = format!("[{profile}.{}]", key.escape_debug());
        gathered.problem(&subject, name, "unknown table; did you mean auth?");
    }
}

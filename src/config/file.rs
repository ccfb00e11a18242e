//! The file: TOML with a table for each profile, as Rocket has it, and in each our table `auth`.
//!
//! It is read here rather than through figment's provider, because the errors of that one quote the line
//! they are about, and the line may hold a secret.

use std::{collections::BTreeMap, fs, path::Path};

use figment::{
    Error, Metadata, Profile, Provider,
    providers::{Format as _, Toml},
    value::{Dict, Map, Value},
};

use super::{given::Given, schema};

/// Settings of Rocket that have the names of ours, and mean what they mean to Rocket.
const SHARED_NAMES: [&str; 3] = ["address", "port", "secret_key"];

/// Reads the file at `path`, called `name` in messages: our keys of `profile`, and Rocket's own settings.
pub(super) fn read(path: &Path, name: &str, profile: &Profile, given: &mut Given) {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let subject = path.display().to_string();
            return given.problem(&subject, "the configuration file", &format!("can't be read: {error}"));
        }
    };
    let profiles: Dict = match Toml::from_str(&text) {
        Ok(profiles) => profiles,
        Err(error) => {
            let place = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..place].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = error.message().replace('\n', "; ");
            return given.problem(&format!("line {line}"), name, &format!("not TOML: {message}"));
        }
    };
    let mut tables = split_tables(profiles, name, given);
    let rocket = Settings { name: name.to_owned(), tables: tables.without_auth() };

    // Figment's order: the default, then the profile, then what holds globally.
    for profile in [&Profile::Default, profile, &Profile::Global] {
        for (key, value) in tables.0.remove(profile).unwrap_or_default() {
            match key.as_str() {
                "auth" => give_ours(value, profile, name, given),
                "address" | "port" => given.put_from_rocket(&key, value, name),
                _ => note_stray(&key, profile, name, given),
            }
        }
    }
    given.figment = given.figment.clone().merge(rocket);
}

/// The tables of the file, by profile.
struct Tables(BTreeMap<Profile, Dict>);

impl Tables {
    fn without_auth(&self) -> Map<Profile, Dict> {
        let mut tables = self.0.clone();
        tables.values_mut().for_each(|table| drop(table.remove("auth")));
        tables.into_iter().collect()
    }
}

fn split_tables(profiles: Dict, name: &str, given: &mut Given) -> Tables {
    let mut tables = BTreeMap::new();
    for (profile, value) in profiles {
        match value {
            Value::Dict(_, _) if profile == "auth" => {
                given.problem("[auth]", name, "stands for a profile of that name; write [default.auth]");
            }
            Value::Dict(_, table) => drop(tables.insert(Profile::from(profile.as_str()), table)),
            _ => given.problem(&profile, name, "stands outside of a table; put it under [default.auth]"),
        }
    }
    Tables(tables)
}

fn give_ours(auth: Value, profile: &Profile, name: &str, given: &mut Given) {
    match auth {
        Value::Dict(_, auth) => auth.into_iter().for_each(|(key, value)| given.put(&key, value, name)),
        _ => given.problem("auth", name, &format!("must be a table, [{profile}.auth]")),
    }
}

/// Rocket ignores what it doesn't know, so a key of ours beside `auth` would be lost without a word.
fn note_stray(key: &str, profile: &Profile, name: &str, given: &mut Given) {
    if schema::find(key).is_some() && !SHARED_NAMES.contains(&key) {
        let note = format!(
            "{name}: {key} in [{profile}] is not read; if it is for this server, \
                            move it to [{profile}.auth]"
        );
        given.notes.push(note);
    }
}

/// Rocket's own settings, as a provider that names the file in Rocket's errors.
struct Settings {
    name: String,
    tables: Map<Profile, Dict>,
}

impl Provider for Settings {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(self.tables.clone())
    }
}

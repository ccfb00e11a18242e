//! The values of all sources, before they are read into types: a value with its origin for each known key, and a problem for
//! each unknown key.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::take,
};

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::{
    problems::Problem,
    schema::{self, Schema, TABLES},
    suggest::suggest,
};
use crate::domain::redirect::AllowedHost;

/// Rocket's own settings that are also settings of this program, each with the key of this program.
const FROM_ROCKET: [(&str, &str); 5] = [
    ("address", "address"),
    ("port", "port"),
    ("tls.certs", "tls.certs"),
    ("tls.key", "tls.key"),
    ("shutdown.grace", "shutdown_grace"),
];

/// The values of all sources. A later value has replaced an earlier one.
#[derive(Default)]
pub(super) struct Gathered {
    /// The declarations of all keys.
    pub schema: Schema,
    /// The values by the full name of the key, with their origins. The keys of this program are in the profile `global`.
    /// Rocket's `address` and `port` are in the profile `default`: they are used if no source sets the key of this program.
    sources: Figment,
    /// The value of each key that a source set. Empty before [`complete`](Self::complete).
    values: Dict,
    /// The ids of all clients and sites that have a table, even if the table is empty.
    pub tables: BTreeMap<&'static str, BTreeSet<String>>,
    /// The name of the system file in origins. Commands in any working directory read it.
    pub system_file: Option<String>,
    /// Whether `--config` or `VESTIBULE_CONFIG` names the configuration file.
    pub names_file: bool,
    /// The line in `.env` of each key that it sets, from 1.
    pub lines: BTreeMap<String, usize>,
    /// The problems, in the order in which they were found.
    pub problems: Vec<Problem>,
    /// Notes for the operator that do not stop the start.
    pub notes: Vec<String>,
    /// Rocket's own settings.
    pub rocket: Figment,
}

impl Gathered {
    pub(super) fn new(schema: Schema, system_file: Option<String>) -> Self {
        Self { schema, system_file, ..Self::default() }
    }

    /// Stores a value for `key`, which replaces the value of an earlier source. Records a problem if there is no such key.
    pub(super) fn put(&mut self, key: &str, value: Value, origin: &str) {
        if let Some(table) = TABLES.iter().find(|table| *table == &key) {
            self.put_tables(table, value, origin);
        } else if key == "tls" {
            match value {
                Value::Dict(_, files) => {
                    files.into_iter().for_each(|(file, path)| self.put(&format!("tls.{file}"), path, origin));
                }
                _ => self.problem("tls", origin, "must be a table, [default.auth.tls]"),
            }
        } else if self.schema.find(key).is_some() {
            if let Some((table, id, _)) = schema::split_table(key) {
                self.put_id(table, id, origin);
            }
            self.merge_value(Profile::Global, key, value, origin);
        } else {
            self.unknown(key, origin);
        }
    }

    /// Stores the settings of a key of [`TABLES`], which has one table for each id.
    fn put_tables(&mut self, table: &str, value: Value, origin: &str) {
        let Value::Dict(_, ids) = value else {
            return self.problem(table, origin, &format!("must be tables such as [default.auth.{table}.<id>]"));
        };
        for (id, settings) in ids {
            let Value::Dict(_, settings) = settings else {
                let wanted = format!("must be a table, [default.auth.{table}.{id:?}]");
                self.problem(&format!("{table}.{id}"), origin, &wanted);
                continue;
            };
            self.put_id(table, &id, origin);
            for (setting, value) in settings {
                self.put(&format!("{table}.{id}.{setting}"), value, origin);
            }
        }
    }

    /// Adds the id of a client or of a site. Records a problem instead if it is not allowed.
    fn put_id(&mut self, table: &str, id: &str, origin: &str) {
        let Some(table) = TABLES.into_iter().find(|known| *known == table) else { return };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        // A client chooses the port that it names, so no rule may depend on it.
        let host = || id.parse::<AllowedHost>().is_ok_and(|host| host.to_string() == id && !host.has_port());
        let (is_allowed, allowed) = match table {
            "sites" => (host(), "a site's id is a host such as app.example.com, in lower case and without a port"),
            _ => (
                (1..=64).contains(&id.len()) && id.bytes().all(plain),
                "a client's id is 1 to 64 letters, digits, - . _",
            ),
        };
        if is_allowed {
            self.tables.entry(table).or_default().insert(id.to_owned());
        } else {
            self.problem(&format!("{table}.{}", id.escape_debug()), origin, allowed);
        }
    }

    /// Records the problem that there is no such key, with a suggestion if the name is similar to a known key.
    pub(super) fn unknown(&mut self, key: &str, origin: &str) {
        let message = match suggest(&self.schema, key) {
            Some(known) => format!("unknown key; did you mean {known}?"),
            None if key.starts_with("sites.") => {
                "unknown key; a host with dots is in quotes: [default.auth.sites.\"app.example.com\"]".to_owned()
            }
            None => "unknown key".to_owned(),
        };
        // The value is not printed: it may be a secret under a mistyped name.
        self.problem(&key.escape_debug().to_string(), origin, &message);
    }

    /// Records a problem that is not about the value of a known key.
    pub(super) fn problem(&mut self, subject: &str, origin: &str, message: &str) {
        let (subject, message) = (subject.to_owned(), message.to_owned());
        // The table of a client or site is named again by each of its keys.
        if self.problems.iter().any(|known| (&known.subject, &known.message) == (&subject, &message)) {
            return;
        }
        self.problems.push(Problem { subject, value: None, origin: Some(origin.to_owned()), message });
    }

    /// Stores the value of Rocket's own setting `name`, or of the settings in this table, if it is also a setting of this
    /// program. It is used only if no source sets the key of this program.
    pub(super) fn put_from_rocket(&mut self, name: &str, value: &Value, origin: &str) {
        if let ("tls" | "shutdown", Value::Dict(_, settings)) = (name, value) {
            for (setting, value) in settings {
                self.put_from_rocket(&format!("{name}.{setting}"), value, origin);
            }
        } else if let Some((_, key)) = FROM_ROCKET.iter().find(|(rocket, _)| *rocket == name) {
            self.merge_value(Profile::Default, key, value.clone(), origin);
        }
    }

    fn merge_value(&mut self, profile: Profile, key: &str, value: Value, origin: &str) {
        let tables = profile.collect(Dict::from([(key.to_owned(), value)]));
        self.sources = take(&mut self.sources).merge(Source { origin: origin.to_owned(), tables });
    }

    /// Stores Rocket's own settings from `origin`. They replace the settings of earlier sources.
    pub(super) fn merge_rocket(&mut self, origin: String, tables: Map<Profile, Dict>) {
        self.rocket = take(&mut self.rocket).merge(Source { origin, tables });
    }

    /// Computes `values` from the values of all sources. Call it once, after the last source.
    pub(super) fn complete(&mut self) {
        let mut tables = self.sources.data().unwrap_or_default();
        self.values = tables.remove(&Profile::Default).unwrap_or_default();
        self.values.extend(tables.remove(&Profile::Global).unwrap_or_default());
    }

    /// Returns the value that a source set for `key`; `None` if no source set it.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Returns the origin of the value of `key`, such as `Rocket.toml`, `VESTIBULE_PORT` or `--port`; `default` if no source
    /// set it.
    pub(super) fn origin(&self, key: &str) -> String {
        let metadata = self.value(key).and_then(|value| self.sources.get_metadata(value.tag()));
        metadata.map_or_else(|| "default".to_owned(), |metadata| metadata.name.to_string())
    }

    /// Returns whether the value of `key` is from the system file.
    pub(super) fn is_from_system_file(&self, key: &str) -> bool {
        self.system_file.as_ref().is_some_and(|file| self.origin(key) == *file)
    }

    /// Returns the origin for a problem: in `.env` with the number of the line.
    pub(super) fn place(&self, key: &str) -> String {
        let origin = self.origin(key);
        match self.lines.get(key).filter(|_| origin == DOTENV) {
            Some(line) => format!("{origin}, line {line}"),
            None => origin,
        }
    }
}

/// The origin of the values of `.env`.
pub(super) const DOTENV: &str = ".env";

/// A figment provider with the values of one source. Its name is the origin of these values in messages.
struct Source {
    origin: String,
    tables: Map<Profile, Dict>,
}

impl Provider for Source {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(self.tables.clone())
    }
}

//! What the sources gave, before any of it is understood: a value and its origin for each known key, and
//! a problem for each unknown one.

use std::collections::{BTreeMap, BTreeSet};

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::{problems::Problem, schema, suggest::suggest};

/// A value as it was given.
#[derive(Clone)]
pub(super) struct Sourced {
    pub value: Value,
    pub origin: String,
}

/// What all sources together gave; later ones have replaced earlier ones.
#[derive(Default)]
pub(super) struct Given {
    pub values: BTreeMap<String, Sourced>,
    /// Rocket's own `address` and `port`.
    rocket: BTreeMap<String, Sourced>,
    /// Every client that has a table, an empty one too.
    pub clients: BTreeSet<String>,
    pub problems: Vec<Problem>,
    pub notes: Vec<String>,
    /// Rocket's own settings.
    pub figment: Figment,
}

impl Given {
    /// Takes a value for `key`, or notes that there is no such key.
    pub(super) fn put(&mut self, key: &str, value: Value, origin: &str) {
        if key == "clients" {
            self.put_clients(value, origin);
        } else if schema::find(key).is_some() {
            if let Some((id, _)) = schema::split_client(key) {
                self.put_client(id, origin);
            }
            self.values.insert(key.to_owned(), Sourced { value, origin: origin.to_owned() });
        } else {
            self.unknown(key, origin);
        }
    }

    fn put_clients(&mut self, value: Value, origin: &str) {
        let Value::Dict(_, clients) = value else {
            return self.problem("clients", origin, "must be tables such as [default.auth.clients.web]");
        };
        for (id, settings) in clients {
            let Value::Dict(_, settings) = settings else {
                let wanted = format!("must be a table, [default.auth.clients.{id}]");
                self.problem(&format!("clients.{id}"), origin, &wanted);
                continue;
            };
            self.put_client(&id, origin);
            for (setting, value) in settings {
                self.put(&format!("clients.{id}.{setting}"), value, origin);
            }
        }
    }

    fn put_client(&mut self, id: &str, origin: &str) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !(1..=64).contains(&id.len()) || !id.bytes().all(plain) {
            let allowed = "a client's id is 1 to 64 letters, digits, - . _";
            self.problem(&format!("clients.{}", id.escape_debug()), origin, allowed);
        }
        self.clients.insert(id.to_owned());
    }

    /// Records that there is no such key.
    pub(super) fn unknown(&mut self, key: &str, origin: &str) {
        let message = match suggest(key) {
            Some(known) => format!("unknown key; did you mean {known}?"),
            None => "unknown key".to_owned(),
        };
        // Without its value: it may be a secret under a mistyped name.
        self.problem(&key.escape_debug().to_string(), origin, &message);
    }

    /// Records a problem that is not about the value of a known key.
    pub(super) fn problem(&mut self, subject: &str, origin: &str, message: &str) {
        self.problems.push(Problem {
            subject: subject.to_owned(),
            value: None,
            origin: Some(origin.to_owned()),
            message: message.to_owned(),
        });
    }

    /// Takes Rocket's own `address` or `port`, which counts only where ours isn't given anywhere.
    pub(super) fn put_from_rocket(&mut self, key: &str, value: Value, origin: &str) {
        self.rocket.insert(key.to_owned(), Sourced { value, origin: origin.to_owned() });
    }

    /// Takes Rocket's own settings from `origin`, over those of earlier sources.
    pub(super) fn merge_settings(&mut self, origin: String, tables: Map<Profile, Dict>) {
        self.figment = std::mem::take(&mut self.figment).merge(Settings { origin, tables });
    }

    /// To be called when every source has given what it has.
    pub(super) fn settle(&mut self) {
        for (key, sourced) in std::mem::take(&mut self.rocket) {
            self.values.entry(key).or_insert(sourced);
        }
    }
}

/// Rocket's own settings, as a provider that is called what messages call their origin.
struct Settings {
    origin: String,
    tables: Map<Profile, Dict>,
}

impl Provider for Settings {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(self.tables.clone())
    }
}

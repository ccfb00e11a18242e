//! Reads keys into types for the sections, and keeps what was wrong and what became of each key.
//!
//! A section reads all of its keys before it looks at any result, so that every problem is reported, not
//! the first one. [`Reported`] can only be had by recording a problem: where there is no section, there is
//! a line that says why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::RangeInclusive,
};

use serde_json::Value as Json;

use super::{
    Entry, Flags, Profile,
    given::Given,
    problems::{Problem, shorten},
    schema,
    secret::REDACTED,
    setting::Setting,
};

/// Proof that a problem was recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported(());

/// What was read, or the proof that a problem says why not.
pub(super) type Read<T> = Result<T, Reported>;

/// A look at what was read, for a section that depends on it.
pub(super) fn share<T>(read: &Read<T>) -> Read<&T> {
    read.as_ref().map_err(|reported| *reported)
}

pub(super) struct Reader {
    pub profile: Profile,
    /// Whether the profile `dev` may listen beyond loopback.
    pub allow_remote: bool,
    /// Whether the port is one of this start alone.
    pub port_is_picked: bool,
    given: Given,
    effective: BTreeMap<String, Json>,
}

impl Reader {
    pub(super) fn new(profile: Profile, flags: &Flags, given: Given) -> Self {
        let Flags { allow_remote, port_is_picked, .. } = *flags;
        Self { profile, allow_remote, port_is_picked, given, effective: BTreeMap::new() }
    }

    /// The value of `key`, or nothing where it has neither a value nor a default in the table.
    pub(super) fn optional<T: Setting>(&mut self, key: &str) -> Read<Option<T>> {
        debug_assert!(schema::find(key).is_some(), "{key} is not in the table");
        let value = match self.given.values.get(key) {
            Some(sourced) => Some(sourced.value.clone()),
            None => schema::find(key).and_then(|known| known.default_in(self.profile)),
        };
        let Some(value) = value else {
            self.effective.insert(key.to_owned(), Json::Null);
            return Ok(None);
        };
        match T::parse(&value) {
            Ok(parsed) => {
                self.effective.insert(key.to_owned(), parsed.show());
                Ok(Some(parsed))
            }
            Err(allowed) => Err(self.refuse(key, format!("must be {allowed}"))),
        }
    }

    /// The value of `key`, or `otherwise`.
    pub(super) fn or<T: Setting>(&mut self, key: &str, otherwise: Read<T>) -> Read<T> {
        match self.optional(key)? {
            Some(value) => Ok(value),
            None => {
                let value = otherwise?;
                self.effective.insert(key.to_owned(), value.show());
                Ok(value)
            }
        }
    }

    /// The value of a key that always has one.
    pub(super) fn read<T: Setting>(&mut self, key: &str) -> Read<T> {
        match self.optional(key)? {
            Some(value) => Ok(value),
            None => Err(self.refuse(key, "must be set")),
        }
    }

    /// The value of `key`, where `check` has nothing against it.
    pub(super) fn checked<T: Setting>(&mut self, key: &str, check: impl FnOnce(&T) -> Result<(), String>) -> Read<T> {
        let value = self.read(key)?;
        check(&value).map_err(|wrong| self.refuse(key, wrong))?;
        Ok(value)
    }

    /// The value of `key`, where it is within `bounds`.
    pub(super) fn within<T: Setting + PartialOrd + Display>(
        &mut self,
        key: &str,
        bounds: RangeInclusive<T>,
    ) -> Read<T> {
        self.checked(key, |value| match bounds.contains(value) {
            true => Ok(()),
            false => Err(format!("must be from {} to {}", bounds.start(), bounds.end())),
        })
    }

    /// Whether a source gave `key`.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.given.values.contains_key(key)
    }

    /// The clients that have a table.
    pub(super) fn clients(&self) -> BTreeSet<String> {
        self.given.clients.clone()
    }

    /// Records what is wrong with `key`.
    pub(super) fn refuse(&mut self, key: &str, message: impl Into<String>) -> Reported {
        let value = self.shown(key);
        let origin = Some(self.origin(key).to_owned());
        self.given.problems.push(Problem { subject: key.to_owned(), value, origin, message: message.into() });
        Reported(())
    }

    /// `key = value (origin)`, for a message about another key.
    pub(super) fn describe(&self, key: &str) -> String {
        match self.shown(key) {
            Some(value) => format!("{key} = {value} ({})", self.origin(key)),
            None => format!("{key} ({})", self.origin(key)),
        }
    }

    /// Tells the operator something that doesn't stop the start.
    pub(super) fn note(&mut self, note: String) {
        self.given.notes.push(note);
    }

    fn origin(&self, key: &str) -> &str {
        self.given.values.get(key).map_or("default", |sourced| &sourced.origin)
    }

    /// The value of `key` as a message may show it.
    fn shown(&self, key: &str) -> Option<String> {
        let given = self.given.values.get(key).map(|sourced| &sourced.value);
        if given.is_some() && schema::find(key).is_none_or(|known| known.secret) {
            return Some(REDACTED.to_owned());
        }
        match given {
            Some(value) => Some(shorten(&serde_json::to_value(value).unwrap_or_default())),
            None => self.effective.get(key).filter(|value| !value.is_null()).map(shorten),
        }
    }

    /// What was gathered, once every section has been read: all keys in the order of the table.
    pub(super) fn finish(self) -> (Given, Vec<Entry>) {
        let entry = |(key, value): (&String, &Json)| {
            let (place, known) = schema::KEYS.iter().enumerate().find(|(_, known)| known.stands_for(key))?;
            let client = schema::split_client(key).map(|(id, _)| id.to_owned());
            let entry = Entry {
                section: known.section.name(),
                key: key.clone(),
                value: value.clone(),
                origin: self.origin(key).to_owned(),
                meaning: known.meaning,
            };
            Some(((client, place), entry))
        };
        let entries: BTreeMap<_, _> = self.effective.iter().filter_map(entry).collect();
        (self.given, entries.into_values().collect())
    }
}

//! Reads keys into types for the sections, and keeps what was wrong and what each key came to.
//!
//! A section reads all of its keys before it uses any result, so that every problem is reported, not the first one.
//! [`Reported`] can only be obtained by recording a problem: a section that could not be read always leaves a line that says
//! why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::RangeInclusive,
};

use figment::value::Value;
use serde_json::Value as Json;

use super::{
    gathered::Gathered,
    problems::{Problem, shorten},
    profile::Profile,
    schema::{self, Entry},
    setting::{REDACTED, Setting},
    sources::Flags,
};

/// Proof that a problem was recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported(());

/// What was read, or the proof that a problem says why it could not be read.
pub(super) type Read<T> = Result<T, Reported>;

/// Returns a reference to what was read, for a setting that depends on it.
pub(super) fn share<T>(read: &Read<T>) -> Read<&T> {
    read.as_ref().map_err(|reported| *reported)
}

type Parse<T> = Box<dyn Fn(&Value) -> Result<T, String>>;
type Check<T> = Box<dyn Fn(&T) -> Result<(), String>>;
type Show<T> = fn(&T) -> Json;

/// The instructions for reading a key.
pub(super) struct Lookup<T> {
    name: &'static str,
    parse: Parse<T>,
    check: Option<Check<T>>,
    show: Show<T>,
    otherwise: Option<Read<T>>,
}

impl<T: Setting + 'static> Lookup<T> {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, parse: Box::new(T::parse), check: None, show: T::show, otherwise: None }
    }

    pub(super) fn otherwise(self, value: Read<T>) -> Self {
        Self { otherwise: Some(value), ..self }
    }

    /// Reads the value with `parse`, whose error completes the sentence "must be …".
    pub(super) fn parse(self, parse: impl Fn(&Value) -> Result<T, String> + 'static) -> Self {
        Self { parse: Box::new(parse), ..self }
    }

    /// Shows the value with `show`.
    pub(super) fn show(self, show: Show<T>) -> Self {
        Self { show, ..self }
    }

    /// Refuses the values for which `check` returns a sentence.
    pub(super) fn check(self, check: impl Fn(&T) -> Result<(), String> + 'static) -> Self {
        Self { check: Some(Box::new(check)), ..self }
    }
}

impl<T: Setting + PartialOrd + Display + 'static> Lookup<T> {
    pub(super) fn within(self, bounds: RangeInclusive<T>) -> Self {
        self.check(move |value| match bounds.contains(value) {
            true => Ok(()),
            false => Err(format!("must be from {} to {}", bounds.start(), bounds.end())),
        })
    }
}

pub(super) struct Reader {
    pub profile: Profile,
    pub flags: Flags,
    /// The client whose keys `clients.<id>.…` are read.
    pub client: String,
    gathered: Gathered,
    effective: BTreeMap<String, Json>,
}

impl Reader {
    pub(super) fn new(profile: Profile, flags: &Flags, gathered: Gathered) -> Self {
        Self { profile, flags: flags.clone(), client: String::new(), gathered, effective: BTreeMap::new() }
    }

    /// Returns the value of a key: the one that a source set, else its default, else what follows from other settings.
    pub(super) fn find<T: Setting + 'static>(&mut self, lookup: Lookup<T>) -> Read<T> {
        let key = self.full_name(lookup.name);
        let default = || self.gathered.schema.find(lookup.name).and_then(|known| known.default_in(self.profile));
        let value = match self.gathered.value(&key).cloned().or_else(default) {
            Some(value) => {
                (lookup.parse)(&value).map_err(|allowed| self.refuse(lookup.name, format!("must be {allowed}")))?
            }
            None => match lookup.otherwise.or(T::unset().map(Ok)) {
                Some(value) => value?,
                None => return Err(self.refuse(lookup.name, "must be set")),
            },
        };
        self.effective.insert(key, (lookup.show)(&value));
        if let Some(check) = lookup.check {
            check(&value).map_err(|wrong| self.refuse(lookup.name, wrong))?;
        }
        Ok(value)
    }

    /// Returns the name of a key with the id of the client whose keys are read.
    fn full_name(&self, name: &str) -> String {
        name.replace("<id>", &self.client)
    }

    /// Returns whether a source set the key.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.gathered.value(&self.full_name(name)).is_some()
    }

    /// Returns the ids of the clients that have a table.
    pub(super) fn clients(&self) -> BTreeSet<String> {
        self.gathered.clients.clone()
    }

    /// Records what is wrong with a key.
    pub(super) fn refuse(&mut self, name: &str, message: impl Into<String>) -> Reported {
        let key = self.full_name(name);
        let value = self.shown(&key);
        let origin = Some(self.gathered.origin(&key));
        self.gathered.problems.push(Problem { subject: key, value, origin, message: message.into() });
        Reported(())
    }

    /// Returns `key = value (origin)`, for a message about another key.
    pub(super) fn describe(&self, name: &str) -> String {
        let key = self.full_name(name);
        let origin = self.gathered.origin(&key);
        self.shown(&key).map_or_else(|| format!("{key} ({origin})"), |value| format!("{key} = {value} ({origin})"))
    }

    /// Tells the operator something that doesn't stop the start.
    pub(super) fn note(&mut self, note: String) {
        self.gathered.notes.push(note);
    }

    /// Returns the value of a key as a message may show it.
    fn shown(&self, key: &str) -> Option<String> {
        match self.gathered.value(key) {
            Some(_) if self.gathered.schema.find(key).is_none_or(|known| known.is_secret) => Some(REDACTED.to_owned()),
            Some(value) => Some(shorten(&serde_json::to_value(value).unwrap_or_default())),
            None => self.effective.get(key).filter(|value| !value.is_null()).map(shorten),
        }
    }

    /// Returns what was gathered and, once every section has been read, all keys in the order of the table.
    pub(super) fn finish(self) -> (Gathered, Vec<Entry>) {
        let entry = |(key, value): (&String, &Json)| {
            let (place, known) = self.gathered.schema.keys().enumerate().find(|(_, known)| known.stands_for(key))?;
            let client = schema::split_client(key).map(|(id, _)| id.to_owned());
            let (section, meaning, origin) = (known.section, known.meaning(), self.gathered.origin(key));
            Some(((client, place), Entry { section, key: key.clone(), value: value.clone(), origin, meaning }))
        };
        let entries: BTreeMap<_, _> = self.effective.iter().filter_map(entry).collect();
        (self.gathered, entries.into_values().collect())
    }
}

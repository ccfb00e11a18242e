//! The reader of keys for the sections. It reads values into types, and records the problems and the effective values.
//!
//! A section reads all of its keys before it uses any result, so that all problems are reported, not only the first. A
//! [`Reported`] can be obtained only by recording a problem. So a section that could not be read always has a recorded problem.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::RangeInclusive,
};

use serde_json::Value as Json;

use super::{
    gathered::Gathered,
    problems::{Problem, shorten},
    schema::{self, Entry},
    setting::Setting,
    sources::Sources,
};
use crate::config::Profile;

/// The text that replaces a secret in every output.
const REDACTED: &str = "[redacted]";

/// Proof that a problem was recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported(());

/// A value, or the proof that the problem of this value was recorded.
pub(super) type Read<T> = Result<T, Reported>;

/// Returns a reference to the value, for a setting that depends on it.
pub(super) fn share<T>(read: &Read<T>) -> Read<&T> {
    read.as_ref().map_err(|reported| *reported)
}

/// The gathered values, and the state of their reading.
pub(super) struct Reader {
    /// The profile, which determines the defaults.
    pub profile: Profile,
    /// Whether the profile `dev` may listen on an address that is not loopback.
    pub may_be_remote: bool,
    /// The id that replaces `<id>` in the names of keys, such as `web`: the client or site whose keys are being read. Empty
    /// before the first client.
    pub id: String,
    /// The values of all sources, and the problems and notes so far.
    pub gathered: Gathered,
    /// The values that were read, by the full name of the key, as `config show` prints them.
    effective: BTreeMap<String, Json>,
}

impl Reader {
    pub(super) fn new(sources: &Sources, gathered: Gathered) -> Self {
        let Sources { profile, may_be_remote, .. } = *sources;
        Self { profile, may_be_remote, id: String::new(), gathered, effective: BTreeMap::new() }
    }

    /// Returns the value of a key: the value that a source set; if it is absent, the default, then `otherwise`, then
    /// [`Setting::unset`]. Records a problem if all of them are absent, if the value is not allowed, or if the system file sets
    /// a relative path.
    pub(super) fn find<T: Setting>(&mut self, name: &str, otherwise: Option<Read<T>>) -> Read<T> {
        let key = self.full_name(name);
        let known = self.gathered.schema.find(name);
        let default = || known.and_then(|known| known.default_in(self.profile));
        let is_relative = |value| T::path(value).is_some_and(|path| path.is_relative());
        let value = match self.gathered.value(&key).cloned().or_else(default) {
            Some(value) if self.gathered.is_from_system_file(&key) && is_relative(&value) => {
                return Err(self.refuse(name, "must be an absolute path, since commands run in any directory"));
            }
            Some(value) => T::parse(&value).map_err(|wrong| self.refuse(name, wrong))?,
            None => match otherwise.or_else(|| T::unset().map(Ok)) {
                Some(value) => value?,
                None => return Err(self.refuse(name, "must be set")),
            },
        };
        let shown = match value.show() {
            Json::Null => Json::Null,
            _ if known.is_none_or(|known| known.secret) => Json::from(REDACTED),
            shown => shown,
        };
        self.effective.insert(key, shown);
        Ok(value)
    }

    /// Returns the value of a key. Records a problem if it is not within `bounds`. The bounds themselves are allowed.
    pub(super) fn within<T>(&mut self, name: &str, value: Read<T>, bounds: &RangeInclusive<T>) -> Read<T>
    where
        T: PartialOrd + Display,
    {
        let wrong = || format!("must be from {} to {}", bounds.start(), bounds.end());
        value.and_then(|value| if bounds.contains(&value) { Ok(value) } else { Err(self.refuse(name, wrong())) })
    }

    /// Returns the full name of a key: `<id>` is replaced by the id whose keys are being read.
    fn full_name(&self, name: &str) -> String {
        name.replace("<id>", &self.id)
    }

    /// Returns whether a source set the key.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.gathered.value(&self.full_name(name)).is_some()
    }

    /// Returns the ids that have a table in `table`, which is `clients` or `sites`.
    pub(super) fn ids(&self, table: &str) -> BTreeSet<String> {
        self.gathered.tables.get(table).cloned().unwrap_or_default()
    }

    /// Calls `read` for each id and returns the results. Every id is read even if an earlier one fails, so that all problems
    /// are reported together.
    pub(super) fn each<T>(&mut self, ids: BTreeSet<String>, read: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut read = |id| {
            self.id = id;
            read(self)
        };
        let all: Vec<Read<T>> = ids.into_iter().map(&mut read).collect();
        all.into_iter().collect()
    }

    /// Returns the origin of the value of a key, such as `Rocket.toml` or `VESTIBULE_PORT`; `default` if no source set it.
    pub(super) fn origin(&self, name: &str) -> String {
        self.gathered.origin(&self.full_name(name))
    }

    /// Records a problem of a key, with the key's value and origin. `message` follows the name of the key, as in "must be set".
    pub(super) fn refuse(&mut self, name: &str, message: impl Into<String>) -> Reported {
        let key = self.full_name(name);
        let value = self.shown(&key);
        let origin = Some(self.gathered.place(&key));
        self.gathered.problems.push(Problem { subject: key, value, origin, message: message.into() });
        Reported(())
    }

    /// Records that the value of a key can't be used beside the values of other keys. `message` is as in
    /// [`refuse`](Self::refuse). It names the other keys in braces, and each name is replaced by what
    /// [`describe`](Self::describe) returns.
    pub(super) fn conflict(&mut self, name: &str, message: &'static str) -> Reported {
        // Every second part was in braces.
        let parts = message.split(['{', '}']).enumerate();
        let message: String =
            parts.map(|(index, part)| if index % 2 == 0 { part.to_owned() } else { self.describe(part) }).collect();
        self.refuse(name, message)
    }

    /// Records a [`conflict`](Self::conflict) if `is_wrong` returns that there is one. Does nothing if one of the values could
    /// not be read.
    pub(super) fn check(&mut self, name: &str, message: &'static str, is_wrong: impl FnOnce() -> Read<bool>) {
        if let Ok(true) = is_wrong() {
            self.conflict(name, message);
        }
    }

    /// Returns `key = value (origin)`, for a message about another key; `key (origin)` if the key has no value.
    pub(super) fn describe(&self, name: &str) -> String {
        let key = self.full_name(name);
        let origin = self.gathered.origin(&key);
        self.shown(&key).map_or_else(|| format!("{key} ({origin})"), |value| format!("{key} = {value} ({origin})"))
    }

    /// Records a note for the operator. It does not stop the start.
    pub(super) fn note(&mut self, note: String) {
        self.gathered.notes.push(note);
    }

    /// Returns the value of a key for a message; `[redacted]` for a secret and for an unknown key, `None` if there is no
    /// value.
    fn shown(&self, key: &str) -> Option<String> {
        match self.gathered.value(key) {
            Some(_) if self.gathered.schema.find(key).is_none_or(|known| known.secret) => Some(REDACTED.to_owned()),
            Some(value) => Some(shorten(&serde_json::to_value(value).unwrap_or_default())),
            None => self.effective.get(key).filter(|value| !value.is_null()).map(shorten),
        }
    }

    /// Returns the entries for `config show`: first the keys without an id, then the keys of each id, each in the order of
    /// `Rocket.toml`. Call it after all sections were read.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |(key, value): (&String, &Json)| {
            let (index, known) = self.gathered.schema.keys().enumerate().find(|(_, known)| known.is_for(key))?;
            let id = schema::split_table(key).map(|(table, id, _)| (table.to_owned(), id.to_owned()));
            let (section, meaning, origin) = (known.section, known.meaning(), self.gathered.origin(key));
            Some(((id, index), Entry { section, key: key.clone(), value: value.clone(), origin, meaning }))
        };
        let entries: BTreeMap<_, _> = self.effective.iter().filter_map(entry).collect();
        entries.into_values().collect()
    }
}

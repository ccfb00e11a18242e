//! The reader of keys for the sections. It reads values into types, and records the problems and the effective values.
//!
//! A section reads all of its keys before it uses any result, so that all problems are reported, not only the first. A
//! [`Reported`] can be obtained only by recording a problem. So a section that could not be read always has a recorded problem.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::RangeInclusive,
    path::Path,
};

use figment::value::Value;
use serde_json::Value as Json;

use super::{
    gathered::Gathered,
    problems::{Problem, shorten},
    schema::{self, Entry, Profile},
    setting::Setting,
    sources::Flags,
};

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

/// Returns the message for a value out of bounds.
type Bounds<T> = Box<dyn Fn(&T) -> Option<String>>;

/// The steps that read a key, as `#[read(…)]` declares them.
pub(super) struct Steps<T> {
    /// Reads the value. The error completes the sentence "must be …".
    pub parse: fn(&Value) -> Result<T, String>,
    /// Returns the value for `config show`.
    pub show: fn(&T) -> Json,
    /// Returns the path that the value names.
    pub path: fn(&T) -> Option<&Path>,
    /// The value for the case that no source sets the key and that the key has no default.
    pub otherwise: Option<Read<T>>,
    /// Returns the message for a value out of bounds.
    pub within: Option<Bounds<T>>,
}

impl<T: Setting> Steps<T> {
    /// Returns the steps of a key that is read and printed as its type determines.
    pub(super) fn of_type() -> Self {
        Self { parse: T::parse, show: T::show, path: T::path, otherwise: T::unset().map(Ok), within: None }
    }
}

/// Returns the check that a value is within `bounds`. The bounds themselves are allowed.
pub(super) fn within<T: PartialOrd + Display>(bounds: RangeInclusive<T>) -> impl Fn(&T) -> Option<String> {
    let message = format!("must be from {} to {}", bounds.start(), bounds.end());
    move |value| (!bounds.contains(value)).then(|| message.clone())
}

/// The gathered values, and the state of their reading.
pub(super) struct Reader {
    /// The profile, which determines the defaults.
    pub profile: Profile,
    /// The options of the command line.
    pub flags: Flags,
    /// The id of the client or site whose keys are being read, such as `clients.<id>.…`. Empty before the first client.
    pub id: String,
    gathered: Gathered,
    /// The values that were read, by the full name of the key, as `config show` prints them.
    effective: BTreeMap<String, Json>,
}

impl Reader {
    pub(super) fn new(profile: Profile, flags: &Flags, gathered: Gathered) -> Self {
        Self { profile, flags: flags.clone(), id: String::new(), gathered, effective: BTreeMap::new() }
    }

    /// Returns the value of a key: the value that a source set; otherwise the default; otherwise [`Steps::otherwise`].
    /// Records a problem if there is no value, or if it is not allowed.
    pub(super) fn find<T>(&mut self, name: &str, steps: Steps<T>) -> Read<T> {
        let key = self.full_name(name);
        let known = self.gathered.schema.find(name);
        let default = || known.and_then(|known| known.default_in(self.profile));
        let value = match (self.gathered.value(&key).cloned().or_else(default), steps.otherwise) {
            (Some(value), _) => {
                (steps.parse)(&value).map_err(|allowed| self.refuse(name, format!("must be {allowed}")))?
            }
            (None, Some(otherwise)) => otherwise?,
            (None, None) => return Err(self.refuse(name, "must be set")),
        };
        let shown = match (steps.show)(&value) {
            Json::Null => Json::Null,
            _ if known.is_none_or(|known| known.secret) => Json::from(REDACTED),
            shown => shown,
        };
        let is_relative = (steps.path)(&value).is_some_and(Path::is_relative);
        if is_relative && self.gathered.is_from_system_file(&key) {
            return Err(self.refuse(name, "must be an absolute path, since commands run in any directory"));
        }
        self.effective.insert(key, shown);
        match steps.within.and_then(|within| within(&value)) {
            Some(wrong) => Err(self.refuse(name, wrong)),
            None => Ok(value),
        }
    }

    /// Returns the full name of a key: `<id>` is replaced by the id whose keys are being read.
    fn full_name(&self, name: &str) -> String {
        name.replace("<id>", &self.id)
    }

    /// Returns whether a source set the key.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.gathered.value(&self.full_name(name)).is_some()
    }

    /// Returns the ids that have a table in `clients` or `sites`.
    pub(super) fn ids(&self, table: &str) -> BTreeSet<String> {
        self.gathered.tables.get(table).cloned().unwrap_or_default()
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

    /// Returns the gathered values and problems, and the entries for `config show`: first the keys without an id, then the
    /// keys of each id, each in the order of `Rocket.toml`. Call it after all sections were read.
    pub(super) fn finish(self) -> (Gathered, Vec<Entry>) {
        let entry = |(key, value): (&String, &Json)| {
            let (index, known) = self.gathered.schema.keys().enumerate().find(|(_, known)| known.is_for(key))?;
            let id = schema::split_table(key).map(|(table, id, _)| (table.to_owned(), id.to_owned()));
            let (section, meaning, origin) = (known.section, known.meaning(), self.gathered.origin(key));
            Some(((id, index), Entry { section, key: key.clone(), value: value.clone(), origin, meaning }))
        };
        let entries: BTreeMap<_, _> = self.effective.iter().filter_map(entry).collect();
        (self.gathered, entries.into_values().collect())
    }
}

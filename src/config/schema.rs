//! The declarations of the keys as data. `config show` and a test of `Rocket.toml` and `README.md` use them.

use figment::value::Value;

use crate::config::Profile;

/// The declaration of a key. The fields from `default` on are the options of `#[key(…)]`.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "a test compares `example` and `main` with Rocket.toml and README.md")
)]
pub(super) struct Key {
    /// The name of the key. `<id>` in the name represents the id of any client or site.
    pub name: &'static str,
    /// The section, such as `tokens`.
    pub section: &'static str,
    pub meaning: &'static str,
    pub default: Option<fn() -> Value>,
    pub dev: Option<fn() -> Value>,
    pub example: &'static str,
    pub secret: bool,
    pub main: bool,
}

impl Key {
    /// A key without options, for `settings!`.
    pub(super) const EMPTY: Self =
        Self { name: "", section: "", meaning: "", default: None, dev: None, example: "", secret: false, main: false };

    /// Returns the meaning of the key, as one line.
    pub(super) fn meaning(&self) -> &'static str {
        self.meaning.trim_start()
    }

    /// Returns the default in `profile`; `None` if the value follows from other settings, or if the key has no default.
    pub(super) fn default_in(&self, profile: Profile) -> Option<Value> {
        let dev = self.dev.filter(|_| profile == Profile::Dev);
        dev.or(self.default).map(|value| value())
    }

    /// Returns whether this declaration is for `key`, such as `issuer` or `clients.web.audience`.
    pub(super) fn is_for(&self, key: &str) -> bool {
        match (split_table(key), split_table(self.name)) {
            (Some((table, _, setting)), Some((own_table, _, own))) => (table, setting) == (own_table, own),
            (None, None) => key == self.name,
            _ => false,
        }
    }
}

/// The keys of every section, in the order of `Rocket.toml`.
#[derive(Clone, Copy, Default)]
pub(super) struct Schema(pub &'static [&'static [Key]]);

impl Schema {
    /// Returns all keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.0.iter().copied().flatten()
    }

    /// Returns the declaration of `key`, such as `issuer` or `clients.web.audience`; `None` if there is no such key.
    pub(super) fn find(&self, key: &str) -> Option<&'static Key> {
        self.keys().find(|known| known.is_for(key))
    }
}

/// The keys that are tables, with a table for each id.
pub(super) const TABLES: [&str; 2] = ["clients", "sites"];

/// Returns the table, the id and the setting in `clients.<id>.<setting>` or `sites.<id>.<setting>`; `None` for other keys. An
/// id may contain dots, a setting does not, so the last dot separates them.
pub(super) fn split_table(key: &str) -> Option<(&str, &str, &str)> {
    let (table, rest) = key.split_once('.').filter(|(table, _)| TABLES.contains(table))?;
    rest.rsplit_once('.').map(|(id, setting)| (table, id, setting))
}

/// A key as `config show` lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The section of the key, such as `tokens`.
    pub section: &'static str,
    /// The full name of the key, such as `issuer` or `clients.web.audience`.
    pub key: String,
    /// The effective value: `null` if there is no value, `[redacted]` for a secret.
    pub value: serde_json::Value,
    /// The origin of the value, such as `default`, `Rocket.toml`, `VESTIBULE_PORT`, `.env` or `--port`.
    pub origin: String,
    /// The meaning of the key.
    pub meaning: &'static str,
}

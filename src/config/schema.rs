//! The declarations of the keys as data. `config show` and a test of `Rocket.toml` and `README.md` use them.

use figment::value::Value;

use super::profile::Profile;

/// The declaration of a key.
pub(super) struct Key {
    /// The name of the key. `<id>` in the name represents the id of any client.
    pub name: &'static str,
    /// The section, such as `tokens`.
    pub section: &'static str,
    meaning: &'static str,
    default: Option<fn() -> Value>,
    dev: Option<fn() -> Value>,
    #[cfg_attr(not(test), expect(dead_code, reason = "Rocket.toml, which shows it, is compared by a test"))]
    pub example: &'static str,
    pub is_secret: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "README.md, which lists the main keys, is compared by a test"))]
    pub is_main: bool,
}

impl Key {
    /// Returns the declaration of a key without options.
    pub(super) const fn new(name: &'static str, section: &'static str, meaning: &'static str) -> Self {
        Self { name, section, meaning, default: None, dev: None, example: "", is_secret: false, is_main: false }
    }

    /// Sets the default.
    pub(super) const fn default(self, value: fn() -> Value) -> Self {
        Self { default: Some(value), ..self }
    }

    /// Sets the default in the profile `dev`.
    pub(super) const fn dev(self, value: fn() -> Value) -> Self {
        Self { dev: Some(value), ..self }
    }

    /// Sets the value that `Rocket.toml` has as an example.
    pub(super) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// Sets whether the value is a secret, which is never printed.
    pub(super) const fn secret(self, is_secret: bool) -> Self {
        Self { is_secret, ..self }
    }

    /// Sets whether the table of `README.md` contains the key.
    pub(super) const fn main(self, is_main: bool) -> Self {
        Self { is_main, ..self }
    }

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
        match (split_client(key), split_client(self.name)) {
            (Some((_, setting)), Some((_, own))) => setting == own,
            (None, None) => key == self.name,
            _ => false,
        }
    }
}

/// The keys of every section, in the order of `Rocket.toml`.
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

/// Returns the id and the setting in `clients.<id>.<setting>`; `None` for other keys. An id may contain dots, a setting does
/// not, so the last dot separates them.
pub(super) fn split_client(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("clients.")?.rsplit_once('.')
}

/// Returns a value as TOML.
#[cfg(test)]
pub(super) fn toml_text(value: &Value) -> String {
    match value {
        Value::Bool(_, switch) => switch.to_string(),
        Value::Num(_, figment::value::Num::F64(number)) => number.to_string(),
        Value::Array(_, items) => format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        value => match (value.as_str(), value.to_i128()) {
            (None, Some(number)) => number.to_string(),
            (text, _) => format!("{:?}", text.unwrap_or_default()),
        },
    }
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

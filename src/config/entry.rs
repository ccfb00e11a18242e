//! One key as `config show` lists it.

/// One key as `config show` lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The part of the configuration that it belongs to, such as `tokens`.
    pub section: &'static str,
    /// Such as `issuer`, `clients.web.audience`.
    pub key: String,
    /// `null` where it is unset, `[redacted]` for a secret.
    pub value: serde_json::Value,
    /// Such as `default`, `Rocket.toml`, `VESTIBULE_PORT`, `.env`, `--port`.
    pub origin: String,
    /// What the key is for, in one line.
    pub meaning: &'static str,
}

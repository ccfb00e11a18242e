//! `vestibule keys list`.

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        output::{self, Format, or_dash},
    },
    domain::{UnixTime, signing_key::SigningKey},
    flows::Vestibule,
    store::signing_keys::{self, KeyStatus, StoredKey},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    format: Format,
}

/// A key in the JSON output.
#[derive(Serialize)]
struct KeyView {
    kid: String,
    algorithm: &'static str,
    /// `next`, `current` or `retiring`.
    status: &'static str,
    /// `database`, or `secret_key` for the key of the configuration.
    source: &'static str,
    /// Null for the key of the configuration.
    created_at: Option<UnixTime>,
    /// Null for the key of the configuration.
    signs_from: Option<UnixTime>,
    /// The time at which the key is deleted; null if the key is not retiring.
    retires_at: Option<UnixTime>,
}

impl List {
    /// Prints the keys, as a table or as JSON. The key of the configuration comes first, then the next key, the current key,
    /// and the keys that only verify tokens.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let stored = signing_keys::list(&mut *vestibule.store.read().await?).await?;
        let keys: Vec<KeyView> = configured(vestibule).into_iter().chain(stored.into_iter().map(view)).collect();
        if self.format.json {
            return output::print_json(&keys);
        }
        output::print_table(
            ["KID", "ALGORITHM", "STATUS", "SOURCE", "CREATED", "SIGNS FROM", "RETIRES AT"],
            keys.into_iter().map(row),
        )
    }
}

/// Returns the key of the configuration; `None` if `secret_key` is not set.
fn configured(vestibule: &Vestibule) -> Option<KeyView> {
    let secret = vestibule.config.keys.secret_key.as_ref()?;
    let algorithm = vestibule.config.keys.algorithm;
    let kid = SigningKey::shared_secret(algorithm, secret.expose()).kid;
    Some(KeyView {
        kid,
        algorithm: algorithm.as_str(),
        status: KeyStatus::Current.as_str(),
        source: "secret_key",
        created_at: None,
        signs_from: None,
        retires_at: None,
    })
}

/// Returns a stored key for the JSON output.
fn view(key: StoredKey) -> KeyView {
    KeyView {
        algorithm: key.algorithm.as_str(),
        status: key.status.as_str(),
        source: "database",
        created_at: Some(key.created_at),
        signs_from: Some(key.signs_from),
        retires_at: match key.status {
            KeyStatus::Retiring(at) => Some(at),
            KeyStatus::Next | KeyStatus::Current => None,
        },
        kid: key.kid,
    }
}

/// Returns a key as a row of the table.
fn row(key: KeyView) -> [String; 7] {
    [
        key.kid,
        key.algorithm.to_owned(),
        key.status.to_owned(),
        key.source.to_owned(),
        or_dash(key.created_at),
        or_dash(key.signs_from),
        or_dash(key.retires_at),
    ]
}

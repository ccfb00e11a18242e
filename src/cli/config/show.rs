//! `vestibule config show`.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{
        Failure,
        output::{self, Format},
    },
    config::Entry,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Show {
    /// Use the configuration of `vestibule dev` instead of `vestibule serve`
    #[arg(long)]
    pub(super) dev: bool,
    #[command(flatten)]
    format: Format,
}

impl Show {
    /// Prints the entries, as a table or as JSON. They contain `[redacted]` for a secret.
    pub(super) fn run(&self, entries: &[Entry]) -> Result<(), Failure> {
        if self.format.json {
            let object = |entry: &Entry| json!({ "key": entry.key, "value": entry.value, "origin": entry.origin });
            return output::print_json(&entries.iter().map(object).collect::<Vec<_>>());
        }
        let row = |entry: &Entry| [entry.key.clone(), text(&entry.value), entry.origin.clone()];
        output::print_table(["KEY", "VALUE", "ORIGIN"], entries.iter().map(row))
    }
}

/// Returns a value as it is written in an environment variable, such as `a,b` for a list; `-` if there is no value.
fn text(value: &Value) -> String {
    match value {
        Value::Null => output::or_dash(None::<String>),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

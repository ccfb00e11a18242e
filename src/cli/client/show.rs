//! `vestibule client show`.

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{self, Format, or_dash},
    },
    flows::Vestibule,
    http::ClientView,
    store::clients,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Show {
    /// The id of the client
    id: String,
    #[command(flatten)]
    format: Format,
}

impl Show {
    /// Prints the client, as a table or as JSON. Fails if there is no such client.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let unknown = || Failure::new(format!("there is no client {:?}; see `vestibule client list`", self.id));
        let client = vestibule.clients.get(&self.id).ok_or_else(unknown)?;
        let stored = match vestibule.config.clients.get(&self.id) {
            Some(_) => None,
            None => clients::find(&mut *vestibule.store.read().await?, &self.id).await?,
        };
        let view = ClientView::new(&client, stored.as_ref());
        if self.format.json {
            return output::print_json(&view);
        }
        let value = serde_json::to_value(&view)?;
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Array(items) => {
                Some(items.iter().filter_map(|item| item.as_str()).collect::<Vec<_>>().join(" "))
            }
            other => Some(other.to_string()),
        };
        let fields = value.as_object().into_iter().flatten();
        output::print_table(["FIELD", "VALUE"], fields.map(|(name, value)| [name.clone(), or_dash(text(value))]))
    }
}

//! `vestibule client list`.

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        output::{self, Format},
    },
    config::Client,
    domain::Permission,
    flows::Vestibule,
    store::clients::{self, StoredClient},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    format: Format,
}

/// A client in the JSON output.
#[derive(Serialize)]
struct ClientView<'c> {
    id: &'c str,
    /// Whether the client must authenticate with its secret.
    confidential: bool,
    /// The claim `aud` of the client's access tokens: one text, or an array of those that a request may choose from.
    audience: serde_json::Value,
    /// Some of `password`, `refresh_token`.
    grants: Vec<&'static str>,
    /// The permissions to which the client is limited; null if there is no limit.
    scopes: Option<&'c [Permission]>,
    /// The lifetime of access tokens, in seconds.
    access_token_lifetime: i64,
    /// The lifetime of refresh tokens, in seconds.
    refresh_token_lifetime: i64,
    /// `database`; absent for a client of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    /// The name for people; absent if the client has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl List {
    /// Prints the clients of the configuration and of the database, sorted by id, as a table or as JSON.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let stored = clients::list(&mut *vestibule.store.read().await?).await?;
        let all = vestibule.clients.all();
        let is_stored = |id: &str| vestibule.config.clients.get(id).is_none();
        let stored: Vec<StoredClient> = stored.into_iter().filter(|client| is_stored(&client.id)).collect();
        self.print(all.values().map(AsRef::as_ref), &stored)
    }

    /// Prints these clients. `stored` are the rows of those of the database.
    pub(super) fn print<'c>(
        self,
        all: impl Iterator<Item = &'c Client>,
        stored: &[StoredClient],
    ) -> Result<(), Failure> {
        let views = all.map(|client| view(client, stored.iter().find(|row| row.id == client.id)));
        if self.format.json {
            return output::print_json(&views.collect::<Vec<_>>());
        }
        output::print_table(["ID", "KIND", "GRANTS", "SCOPES", "AUDIENCE"], views.map(row))
    }
}

/// Returns a client for the JSON output.
fn view<'c>(client: &'c Client, stored: Option<&StoredClient>) -> ClientView<'c> {
    let grants = [("password", client.grants.password), ("refresh_token", client.grants.refresh_token)];
    ClientView {
        id: &client.id,
        confidential: client.is_confidential(),
        audience: match client.audience.iter().len() {
            1 => client.audience.default_audience().into(),
            _ => client.audience.iter().collect(),
        },
        grants: grants.into_iter().filter_map(|(name, allowed)| allowed.then_some(name)).collect(),
        scopes: client.scopes.as_deref(),
        access_token_lifetime: client.access_token_lifetime.seconds(),
        refresh_token_lifetime: client.refresh_token_lifetime.seconds(),
        source: stored.map(|_| "database"),
        name: stored.and_then(|stored| stored.name.clone()),
    }
}

/// Returns a client as a row of the table.
fn row(client: ClientView<'_>) -> [String; 5] {
    let listed = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(" ") };
    let scopes = client.scopes.map(|scopes| scopes.iter().map(Permission::as_str).collect());
    [
        client.id.to_owned(),
        if client.confidential { "confidential" } else { "public" }.to_owned(),
        listed(client.grants),
        scopes.map_or_else(|| "all".to_owned(), listed),
        match client.audience {
            serde_json::Value::String(one) => one,
            several => {
                several.as_array().into_iter().flatten().filter_map(|one| one.as_str()).collect::<Vec<_>>().join(" ")
            }
        },
    ]
}

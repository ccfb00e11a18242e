//! `vestibule client list`.

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        output::{self, Format},
    },
    config::{Client, Clients},
    domain::Permission,
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
}

impl List {
    /// Prints the clients, sorted by id, as a table or as JSON.
    pub(super) fn run(self, clients: &Clients) -> Result<(), Failure> {
        let views = clients.iter().map(view);
        if self.format.json {
            return output::print_json(&views.collect::<Vec<_>>());
        }
        output::print_table(["ID", "KIND", "GRANTS", "SCOPES", "AUDIENCE"], views.map(row))
    }
}

/// Returns a client for the JSON output.
fn view(client: &Client) -> ClientView<'_> {
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

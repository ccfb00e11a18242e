//! `vestibule client secret`.

use clap::Args;
use serde_json::json;

use crate::{
    cli::{
        Failure,
        output::{self, Format},
    },
    config::Clients,
    domain::client::ClientSecret,
    random,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Secret {
    /// The client; one that the configuration does not have yet becomes one by its secret
    id: String,
    #[command(flatten)]
    format: Format,
}

impl Secret {
    /// Makes a secret. Nothing is stored: the operator configures its hash, and until then the old one holds.
    pub(super) fn run(self, clients: &Clients) -> Result<(), Failure> {
        let id = &self.id;
        if id == "default" {
            return Err(Failure::new(
                "the client default can't have a secret, since people sign in on pages through it; make another client",
            ));
        }
        if clients.get(id).is_none() {
            output::note(&format!("there is no client {id} yet; the table below makes it one"));
        }
        let secret = ClientSecret::from_bytes(random::bytes());
        let hash = secret.hash().to_string();
        if self.format.json {
            let made = json!({"client_id": id, "client_secret": secret.reveal(), "secret_hash": hash});
            return output::print_json(&made);
        }
        output::print(&format!(
            "client_secret: {}\nIt is not shown again. In the configuration file:\n\n\
             [default.auth.clients.{id}]\nsecret_hash = \"{hash}\"\n\n\
             It is in force once the server was restarted.",
            secret.reveal()
        ))
    }
}

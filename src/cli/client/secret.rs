//! `vestibule client secret`.

use clap::Args;
use serde_json::json;

use crate::{
    cli::{
        Failure,
        output::{self, Format},
    },
    config::Clients,
    domain::client::{ClientSecret, DEFAULT_CLIENT},
    flows::{
        Vestibule,
        clients::set_client::renew_secret,
        steps::{acting::Acting, client_registry::StoredClientError},
    },
    random,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Secret {
    /// The id of the client; it may be a client that is not configured yet
    id: String,
    #[command(flatten)]
    format: Format,
}

impl Secret {
    /// Gives a client of the database a new secret, which is in force at once. For any other client, generates one as
    /// [`Secret::generate`] does.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        match renew_secret(vestibule, &self.id, &Acting::operator(vestibule.clock.now())).await {
            Ok(secret) if self.format.json => {
                output::print_json(&json!({"client_id": self.id, "client_secret": secret.reveal()}))
            }
            Ok(secret) => output::print(&format!(
                "client_secret: {}\nThe secret is not shown again. It is valid now, and the old one is not.",
                secret.reveal()
            )),
            Err(StoredClientError::Configured(_) | StoredClientError::Unknown(_)) => {
                self.generate(&vestibule.config.clients)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Generates a secret and prints it with its hash. Stores nothing: the old secret stays valid until the operator configures
    /// the new hash and restarts the server. Fails for the client `default`, which can't have a secret.
    pub(super) fn generate(self, clients: &Clients) -> Result<(), Failure> {
        let id = &self.id;
        if id == DEFAULT_CLIENT {
            return Err(Failure::new(
                "the client default can't have a secret, because the sign-in pages use it; configure another client",
            ));
        }
        if clients.get(id).is_none() {
            output::note(&format!("there is no client {id} yet; configure it with this secret_hash"));
        }
        let secret = ClientSecret::from_bytes(random::bytes());
        let hash = secret.hash().to_string();
        if self.format.json {
            let made = json!({"client_id": id, "client_secret": secret.reveal(), "secret_hash": hash});
            return output::print_json(&made);
        }
        output::print(&format!(
            "client_secret: {}\nThe secret is not shown again. Add its hash to the configuration file:\n\n\
             [default.auth.clients.{id}]\nsecret_hash = \"{hash}\"\n\n\
             The secret is valid after the server is restarted.",
            secret.reveal()
        ))
    }
}

//! `vestibule client add`.

use clap::Args;
use serde_json::json;

use crate::{
    cli::{
        Failure,
        output::{self, Format},
    },
    domain::{Permission, audience::Audiences, client, policy::Grants},
    flows::{
        Vestibule,
        clients::set_client::{NewClient, add_client},
        steps::acting::Acting,
    },
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Add {
    /// The id of the client: letters, digits and . _ ~ -
    #[arg(value_parser = client::check_id)]
    id: String,
    /// A name for people
    #[arg(long, value_parser = client::check_name)]
    name: Option<String>,
    /// An audience of the access tokens, of which a request may choose one; may be repeated, and the first is the default
    #[arg(long, value_parser = client::check_audience)]
    audience: Vec<String>,
    /// A permission that the tokens can contain, instead of all permissions of the user; may be repeated
    #[arg(long, value_parser = Permission::parse)]
    scope: Vec<Permission>,
    /// A grant that the client may use at /token, instead of both; may be repeated
    #[arg(long, value_parser = ["password", "refresh_token"])]
    grant: Vec<String>,
    /// The client has no secret, as an application in a browser or on a phone
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    format: Format,
}

impl Add {
    /// Adds the client, which is in force at once, and prints its secret.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let both = Grants { password: true, refresh_token: true };
        let grants =
            if self.grant.is_empty() { Some(both) } else { Grants::from_words(self.grant.iter().map(String::as_str)) };
        let new = NewClient {
            id: self.id,
            name: self.name,
            audiences: Audiences::new(self.audience),
            scopes: (!self.scope.is_empty()).then_some(self.scope),
            grants: grants.unwrap_or(both),
            is_public: self.public,
        };
        let (added, secret) = add_client(vestibule, new, &Acting::operator(vestibule.clock.now())).await?;
        let secret = secret.as_ref().map(|secret| secret.reveal());
        if self.format.json {
            return output::print_json(&json!({"client_id": added.id, "client_secret": secret}));
        }
        let shown = secret
            .map_or_else(String::new, |secret| format!("\nclient_secret: {secret}\nThe secret is not shown again."));
        output::print(&format!("added the client {}{shown}", added.id))
    }
}

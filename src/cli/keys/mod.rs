//! `vestibule keys`: the keys that sign access tokens, and the root secret that protects the keys.

mod algorithm;
mod import;
mod jwks;
mod list;
mod recover;
mod retire;
mod rewrap;
mod rotate;

use clap::Subcommand;

use crate::{
    cli::{Failure, output::Format},
    flows::Vestibule,
};

/// The commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print all keys: the key that will sign next, the key that signs now, and the keys that only verify tokens
    #[command(after_help = "Example:
  vestibule keys list --json")]
    List(list::List),
    /// Print the public keys as the server publishes them
    #[command(after_help = "Example:
  vestibule keys jwks > jwks.json")]
    Jwks(Format),
    /// Sign with your own private key from a PEM file: RSA, EC on P-256 or P-384, or Ed25519
    #[command(after_help = "Examples:
  vestibule keys import key.pem
  vestibule keys import rsa.pem --algorithm PS256")]
    Import(import::Import),
    /// Generate a new key that signs in ten minutes, or at once with --now
    #[command(after_help = "Examples:
  vestibule keys rotate
  vestibule keys rotate --algorithm EdDSA
  vestibule keys rotate --now                  after the signing key was compromised")]
    Rotate(rotate::Rotate),
    /// Delete a key that does not sign now; the tokens that it signed are no longer accepted
    #[command(after_help = "Example:
  vestibule keys retire kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    Retire(retire::Retire),
    /// Replace the root secret; nobody is signed out
    #[command(after_help = "Examples:
  vestibule keys rewrap
  vestibule keys rewrap --new-secret-file new-secret    if root_secret is configured

Use this to move the secret, or to replace it regularly. After a leak: vestibule keys recover --lost-secret")]
    Rewrap(rewrap::Rewrap),
    /// Start over without the root secret: new keys, no sessions, no known devices; users and passwords are kept
    #[command(after_help = "Example:
  vestibule keys recover --lost-secret")]
    Recover(recover::Recover),
}

impl Command {
    /// Runs the command.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(vestibule).await,
            // A key set is always JSON, with or without `--json`.
            Self::Jwks(_) => jwks::print(vestibule),
            Self::Import(command) => command.run(vestibule).await,
            Self::Rotate(command) => command.run(vestibule).await,
            Self::Retire(command) => command.run(vestibule).await,
            Self::Rewrap(command) => command.run(vestibule).await,
            // This arm is never reached: `cli::dispatch` runs this command itself, because the database can't be opened without
            // its root secret.
            Self::Recover(command) => command.run(&vestibule.config, vestibule.clock.now()).await,
        }
    }
}

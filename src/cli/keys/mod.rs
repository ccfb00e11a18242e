//! `vestibule keys`: what signs access tokens, and the root secret that protects it.

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
    /// Print the keys: what signs, what will, and what still checks
    #[command(after_help = "Example:
  vestibule keys list --json")]
    List(list::List),
    /// Print the public keys as the server publishes them
    #[command(after_help = "Example:
  vestibule keys jwks > jwks.json")]
    Jwks(Format),
    /// Have a private key of your own sign, from a PEM file: RSA, EC on P-256 or P-384, or Ed25519
    #[command(after_help = "Examples:
  vestibule keys import key.pem
  vestibule keys import rsa.pem --algorithm PS256")]
    Import(import::Import),
    /// Have a new key sign, in ten minutes or at once
    #[command(after_help = "Examples:
  vestibule keys rotate
  vestibule keys rotate --algorithm EdDSA
  vestibule keys rotate --now                  the key that signs was compromised")]
    Rotate(rotate::Rotate),
    /// Take a key out at once; no token that it signed is accepted any more
    #[command(after_help = "Example:
  vestibule keys retire kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    Retire(retire::Retire),
    /// Replace the root secret; nobody is signed out
    #[command(after_help = "Examples:
  vestibule keys rewrap
  vestibule keys rewrap --new-secret-file new-secret    where root_secret is configured

This is for a secret that moves or is replaced by rule. After a leak: vestibule keys recover --lost-secret")]
    Rewrap(rewrap::Rewrap),
    /// Start over without the root secret: new keys, all sessions ended, devices forgotten; users and passwords stay
    #[command(after_help = "Example:
  vestibule keys recover --lost-secret")]
    Recover(recover::Recover),
}

impl Command {
    /// Runs a command that needs the database open.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(vestibule).await,
            // A key set is JSON, asked for or not.
            Self::Jwks(_) => jwks::print(vestibule),
            Self::Import(command) => command.run(vestibule).await,
            Self::Rotate(command) => command.run(vestibule).await,
            Self::Retire(command) => command.run(vestibule).await,
            Self::Rewrap(command) => command.run(vestibule).await,
            // Not by this way: it needs no open database, and most often there is none that opens.
            Self::Recover(command) => command.run(&vestibule.config, vestibule.clock.now()).await,
        }
    }
}

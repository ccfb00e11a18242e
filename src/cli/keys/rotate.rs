//! `vestibule keys rotate`.

use clap::Args;

use super::algorithm::algorithm;
use crate::{
    cli::{Failure, output},
    domain::{jwt::Algorithm, signing_key::SigningKey},
    flows::{
        Vestibule,
        keys::rotate_keys::{When, rotate_keys},
        steps::{acting::Acting, signing::generate},
    },
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Rotate {
    /// The algorithm of the new key, instead of the setting `algorithm`
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
    #[command(flatten)]
    now: Now,
}

/// The option `--now` of the commands that introduce a new signing key.
#[derive(Args)]
pub(super) struct Now {
    /// Sign with the key at once, instead of publishing it for ten minutes first; a service with a cached key set refuses the
    /// new tokens until it fetches the key set again
    #[arg(long)]
    now: bool,
}

impl Rotate {
    /// Generates a key and makes it the signing key, at once or after ten minutes.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let algorithm = self.algorithm.unwrap_or(vestibule.config.keys.algorithm);
        self.now.start_signing(vestibule, generate(algorithm).await).await
    }
}

impl Now {
    /// Makes `key` the signing key, at once or after ten minutes, and prints the result.
    pub(super) async fn start_signing(self, vestibule: &Vestibule, key: SigningKey) -> Result<(), Failure> {
        let when = if self.now { When::Now } else { When::Published };
        let now = vestibule.clock.now();
        let rotated = rotate_keys(vestibule, key, when, &Acting::operator(now)).await?;
        let (kid, algorithm) = (&rotated.kid, rotated.algorithm.as_str());
        let mut lines = vec![if rotated.signs_from > now {
            format!("{kid} ({algorithm}) is published and signs from {}", rotated.signs_from)
        } else {
            format!("{kid} ({algorithm}) signs from now on")
        }];
        lines.extend(rotated.retired.map(|(kid, until)| {
            format!("{kid} verifies its tokens until {until}; if it was stolen: vestibule keys retire {kid}")
        }));
        lines.extend(rotated.replaced.map(|kid| format!("{kid}, which had not signed yet, was removed")));
        output::print(&lines.join("\n"))
    }
}

//! `vestibule keys retire`.

use clap::Args;

use crate::{
    cli::{Failure, output},
    flows::{Vestibule, keys::retire_key::retire_key, steps::acting::Acting},
    store::signing_keys::KeyStatus,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Retire {
    /// The id of the key, as `vestibule keys list` prints it
    #[arg(allow_hyphen_values = true)]
    kid: String,
}

impl Retire {
    /// Deletes the key. Fails if there is no such key, or if it is the current key.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let was = retire_key(vestibule, &self.kid, &Acting::operator(vestibule.clock.now())).await?;
        let came_of_it = match was {
            KeyStatus::Next => "it had not signed any token",
            // `retire_key` refuses the current key.
            KeyStatus::Current | KeyStatus::Retiring(_) => "the tokens that it signed are no longer accepted",
        };
        output::print(&format!("removed the key {}; {came_of_it}", self.kid))
    }
}

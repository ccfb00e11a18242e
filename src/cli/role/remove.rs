//! `vestibule role remove`.

use clap::Args;

use super::invalidated_tokens::invalidated_tokens_note;
use crate::{
    cli::{Failure, output},
    domain::RoleName,
    flows::{Vestibule, roles::remove_role::remove_role, steps::acting::Acting},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Remove {
    /// The name of the role
    #[arg(value_parser = RoleName::parse)]
    name: RoleName,
}

impl Remove {
    /// Deletes the role and removes it from all users. Fails if there is no such role, or if it is `admin`.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let context = Acting::operator(vestibule.clock.now());
        let name = self.name.as_str().to_owned();
        let outdated = remove_role(vestibule, self.name, &context).await?;
        output::print(&format!("removed the role {name}{}", invalidated_tokens_note(outdated)))
    }
}

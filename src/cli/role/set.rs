//! `vestibule role set`.

use clap::Args;

use super::invalidated_tokens::invalidated_tokens_note;
use crate::{
    cli::{Failure, output},
    domain::{Permission, RoleName, audit_event::RequestContext},
    flows::{Vestibule, roles::set_role::set_role},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Set {
    /// The name of the role
    #[arg(value_parser = RoleName::parse)]
    name: RoleName,
    /// All permissions of the role; permissions that are not listed are removed. The list may be empty
    #[arg(value_name = "PERMISSION", value_parser = Permission::parse)]
    permissions: Vec<Permission>,
}

impl Set {
    /// Replaces the permissions of the role. Creates the role if it does not exist.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let context = RequestContext::command_line(vestibule.clock.now());
        let name = self.name.as_str().to_owned();
        let outdated = set_role(vestibule, self.name, self.permissions.into_iter().collect(), &context).await?;
        output::print(&format!("set the role {name}{}", invalidated_tokens_note(outdated)))
    }
}

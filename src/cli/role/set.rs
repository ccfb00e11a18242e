//! `vestibule role set`, `role add` and `role drop`.

use std::collections::BTreeSet;

use clap::Args;

use super::invalidated_tokens::invalidated_tokens_note;
use crate::{
    cli::{Failure, output},
    domain::{Permission, RoleName},
    flows::{
        Vestibule,
        roles::set_role::{RoleChange, set_role},
        steps::acting::Acting,
    },
};

/// The arguments of `vestibule role set`.
#[derive(Args)]
pub(in crate::cli) struct Set {
    /// The name of the role
    #[arg(value_parser = RoleName::parse)]
    name: RoleName,
    /// All permissions of the role; permissions that are not listed are taken away. The list may be empty
    #[arg(value_name = "PERMISSION", value_parser = Permission::parse)]
    permissions: Vec<Permission>,
}

/// The arguments of `vestibule role add` and `vestibule role drop`.
#[derive(Args)]
pub(in crate::cli) struct Single {
    /// The name of the role
    #[arg(value_parser = RoleName::parse)]
    name: RoleName,
    /// The permissions that change; the role keeps all others
    #[arg(required = true, value_name = "PERMISSION", value_parser = Permission::parse)]
    permissions: Vec<Permission>,
}

impl Set {
    /// Replaces the permissions of the role. Creates the role if it does not exist.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        change(vestibule, self.name, RoleChange::Set(self.permissions.into_iter().collect())).await
    }
}

impl Single {
    /// Gives the role more permissions. Creates the role if it does not exist.
    pub(super) async fn add(self, vestibule: &Vestibule) -> Result<(), Failure> {
        change(vestibule, self.name, RoleChange::Add(self.permissions.into_iter().collect())).await
    }

    /// Takes permissions away from the role. Fails if there is no such role.
    pub(super) async fn drop(self, vestibule: &Vestibule) -> Result<(), Failure> {
        change(vestibule, self.name, RoleChange::Drop(self.permissions.into_iter().collect())).await
    }
}

/// Changes the role. Prints the permissions that it lost.
async fn change(vestibule: &Vestibule, name: RoleName, change: RoleChange) -> Result<(), Failure> {
    let context = Acting::operator(vestibule.clock.now());
    let role = name.as_str().to_owned();
    let changed = set_role(vestibule, name, change, &context).await?;
    let lost = match changed.lost.is_empty() {
        true => String::new(),
        false => format!("; took away {}", list(&changed.lost)),
    };
    output::print(&format!("set the role {role}{lost}{}", invalidated_tokens_note(changed.outdated)))
}

fn list(permissions: &BTreeSet<Permission>) -> String {
    permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(", ")
}

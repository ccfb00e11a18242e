//! `vestibule role list`.

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        output::{self, Format, or_dash},
    },
    domain::Permission,
    flows::Vestibule,
    store::roles,
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    format: Format,
}

/// A role in the JSON output.
#[derive(Serialize)]
struct RoleView {
    name: String,
    permissions: Vec<Permission>,
    /// The number of users with the role.
    members: i64,
}

impl List {
    /// Prints the roles, sorted by name, as a table or as JSON.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let mut reader = vestibule.store.read().await?;
        let (all, members) = (roles::find_all(&mut reader).await?, roles::count_members(&mut reader).await?);
        drop(reader);
        let views = all.names().map(|name| RoleView {
            name: name.to_owned(),
            permissions: all.permissions(name).into_iter().collect(),
            members: members.get(name).copied().unwrap_or_default(),
        });
        if self.format.json {
            return output::print_json(&views.collect::<Vec<_>>());
        }
        output::print_table(["ROLE", "MEMBERS", "PERMISSIONS"], views.map(row))
    }
}

/// Returns a role as a row of the table.
fn row(role: RoleView) -> [String; 3] {
    let permissions: Vec<&str> = role.permissions.iter().map(Permission::as_str).collect();
    let permissions = or_dash((!permissions.is_empty()).then(|| permissions.join(" ")));
    [role.name, role.members.to_string(), permissions]
}

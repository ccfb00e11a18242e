//! `vestibule user set`.

use clap::Args;

use super::claim::{self, Claim};
use crate::{
    cli::{
        Failure, output,
        who::{Who, called},
    },
    domain::{Email, Permission, RoleName, Username, audit_event::Origin},
    flows::{
        Vestibule,
        change_user::{UserChange, change_user},
    },
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Set {
    /// User name, email or id
    #[arg(value_parser = Who::parse)]
    name: Who,
    #[command(flatten)]
    changes: Changes,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Another user name
    #[arg(long, value_parser = Username::parse)]
    username: Option<Username>,
    /// Another email, which is not verified then
    #[arg(long, value_parser = Email::parse)]
    email: Option<Email>,
    /// The email is known to be theirs
    #[arg(long, conflicts_with = "no_email_verified")]
    email_verified: bool,
    /// The email is not known to be theirs
    #[arg(long)]
    no_email_verified: bool,
    /// Give a role; may be repeated
    #[arg(long, value_parser = RoleName::parse)]
    role: Vec<RoleName>,
    /// Take a role; may be repeated
    #[arg(long, value_name = "ROLE")]
    no_role: Vec<String>,
    /// Give a permission beside those of the roles; may be repeated
    #[arg(long, value_parser = Permission::parse)]
    permission: Vec<Permission>,
    /// Take such a permission; may be repeated
    #[arg(long, value_name = "PERMISSION")]
    no_permission: Vec<String>,
    /// Put a claim into the user's access tokens; may be repeated
    #[arg(long, value_name = "KEY=JSON", value_parser = claim::parse)]
    claim: Vec<Claim>,
    /// Drop such a claim; may be repeated
    #[arg(long, value_name = "KEY")]
    no_claim: Vec<String>,
}

impl From<Changes> for UserChange {
    fn from(changes: Changes) -> Self {
        let verified = changes.email_verified || changes.no_email_verified;
        Self {
            username: changes.username,
            email: changes.email,
            email_verified: verified.then_some(changes.email_verified),
            add_roles: changes.role,
            remove_roles: changes.no_role,
            add_permissions: changes.permission,
            remove_permissions: changes.no_permission,
            set_claims: claim::collect(changes.claim),
            remove_claims: changes.no_claim,
            ..Self::default()
        }
    }
}

impl Set {
    /// Changes the user.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        let origin = Origin::command_line(vestibule.clock.now());
        let user = change_user(vestibule, user.id, self.changes.into(), &origin).await?;
        output::print(&format!("changed {}", called(&user)))
    }
}

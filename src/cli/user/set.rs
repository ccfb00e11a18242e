//! `vestibule user set`.

use clap::Args;

use super::claim::{self, Claim};
use crate::{
    cli::{
        Failure, output,
        passwords::Source,
        user_arg::{UserArg, display_name},
    },
    domain::{
        Email, Permission, RoleName, User, Username,
        user_change::{ClaimsChange, ListChange, UserChange},
    },
    flows::{Vestibule, steps::acting::Acting, users::change_user::change_user},
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Set {
    /// Username, email address or id
    #[arg(value_parser = UserArg::parse)]
    name: UserArg,
    #[command(flatten)]
    changes: Changes,
}

/// The changes to make. At least one is given.
#[derive(Args)]
// The members are listed one by one, because clap does not accept a flattened struct as a member of a group.
#[group(required = true, multiple = true, args = [
    "username", "email", "email_verified", "no_email_verified", "role", "no_role", "permission", "no_permission",
    "claim", "no_claim", "password_stdin", "generate",
])]
struct Changes {
    /// New username
    #[arg(long, value_parser = Username::parse)]
    username: Option<Username>,
    /// New email address; it is not verified
    #[arg(long, value_parser = Email::parse)]
    email: Option<Email>,
    /// Mark the email address as verified
    #[arg(long, conflicts_with = "no_email_verified")]
    email_verified: bool,
    /// Mark the email address as not verified
    #[arg(long)]
    no_email_verified: bool,
    /// Grant a role; may be repeated
    #[arg(long, value_parser = RoleName::parse)]
    role: Vec<RoleName>,
    /// Remove a role; may be repeated
    #[arg(long, value_name = "ROLE")]
    no_role: Vec<String>,
    /// Grant a permission in addition to the permissions of the roles; may be repeated
    #[arg(long, value_parser = Permission::parse)]
    permission: Vec<Permission>,
    /// Remove a permission that was granted with --permission; may be repeated
    #[arg(long, value_name = "PERMISSION")]
    no_permission: Vec<String>,
    /// Add a claim to the user's access tokens; may be repeated
    #[arg(long, value_name = "KEY=JSON", value_parser = claim::parse)]
    claim: Vec<Claim>,
    /// Remove a claim from the user's access tokens; may be repeated
    #[arg(long, value_name = "KEY")]
    no_claim: Vec<String>,
    #[command(flatten)]
    password: Source,
}

impl Changes {
    /// Checks that the user has every role, permission and claim that the command removes. Without this check, the command
    /// would report success for a misspelt name.
    fn check(&self, user: &User) -> Result<(), Failure> {
        let roles: Vec<&str> = user.roles.iter().map(String::as_str).collect();
        let permissions: Vec<&str> = user.direct_permissions.iter().map(Permission::as_str).collect();
        let claims: Vec<&str> = user.claims.keys().map(String::as_str).collect();
        for (kind, removed, held) in [
            ("role", &self.no_role, roles),
            ("direct permission", &self.no_permission, permissions),
            ("claim", &self.no_claim, claims),
        ] {
            if let Some(missing) = removed.iter().find(|name| !held.contains(&name.as_str())) {
                let held = if held.is_empty() { "none".to_owned() } else { held.join(", ") };
                let who = display_name(user);
                return Err(Failure::new(format!("{who} does not have the {kind} {missing:?}; there are: {held}")));
            }
        }
        Ok(())
    }

    /// Returns the names of the user, before and after the change. A new password must not consist of them.
    fn names<'a>(&'a self, user: &'a User) -> Vec<&'a str> {
        let before = [user.username.as_deref(), user.email.as_deref()];
        let after = [self.username.as_ref().map(Username::as_str), self.email.as_ref().map(Email::as_str)];
        before.into_iter().chain(after).flatten().collect()
    }
}

impl From<Changes> for UserChange {
    fn from(changes: Changes) -> Self {
        let verified = changes.email_verified || changes.no_email_verified;
        Self {
            username: changes.username.map(Some),
            email: changes.email.map(Some),
            email_verified: verified.then_some(changes.email_verified),
            roles: ListChange::Edit { add: changes.role, remove: changes.no_role },
            permissions: ListChange::Edit { add: changes.permission, remove: changes.no_permission },
            claims: ClaimsChange::Edit { set: claim::collect(changes.claim), remove: changes.no_claim },
            ..Self::default()
        }
    }
}

impl Set {
    /// Changes the user, and prints a generated password. Fails if there is no such user, or if a role, permission or claim to
    /// remove is missing.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        self.changes.check(&user)?;
        let chosen = match &self.changes.password {
            source if source.is_given() => {
                Some(source.choose(vestibule.config.passwords.min_length, &self.changes.names(&user))?)
            }
            _ => None,
        };
        let password = chosen.as_ref().map(|chosen| chosen.password.clone());
        let change = UserChange { password, ..self.changes.into() };
        let context = Acting::operator(vestibule.clock.now());
        let user = change_user(vestibule, user.id, change, &context).await?;
        let ended =
            chosen.map_or_else(String::new, |chosen| format!(" and ended all sessions{}", chosen.announcement()));
        output::print(&format!("changed {}{ended}", display_name(&user)))
    }
}

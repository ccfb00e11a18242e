//! `vestibule user add`.

use clap::Args;

use super::claim::{self, Claim};
use crate::{
    cli::{Failure, output, passwords::Source, user_arg::display_name},
    domain::{Email, Identifier, Permission, RoleName, Username},
    flows::{
        Vestibule,
        steps::{acting::Acting, names::check_names},
        users::add_user::{NewAccount, add_user},
    },
};

/// The arguments.
#[derive(Args)]
pub(in crate::cli) struct Add {
    /// Username or email address
    #[arg(value_parser = Identifier::parse)]
    name: Identifier,
    /// Email address, in addition to a username
    #[arg(long, value_parser = Email::parse)]
    email: Option<Email>,
    /// Record that the email address belongs to the user, so that applications may rely on it
    #[arg(long)]
    email_verified: bool,
    /// Grant a role; may be repeated
    #[arg(long, value_parser = RoleName::parse)]
    role: Vec<RoleName>,
    /// Grant a permission; may be repeated
    #[arg(long, value_parser = Permission::parse)]
    permission: Vec<Permission>,
    /// Add a claim to the user's access tokens; may be repeated
    #[arg(long, value_name = "KEY=JSON", value_parser = claim::parse)]
    claim: Vec<Claim>,
    #[command(flatten)]
    password: Source,
}

impl Add {
    /// Adds the user, and prints the id and a generated password. Fails if another user has the name, or if a name that the
    /// setting `username_field` requires is missing.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let (username, email) = names(self.name, self.email)?;
        if self.email_verified && email.is_none() {
            return Err(Failure::new("there is no email address to verify; add it with --email"));
        }
        let passwords = &vestibule.config.passwords;
        check_names(passwords.username_field, username.is_some(), email.is_some()).map_err(missing)?;
        let named = [username.as_ref().map(Username::as_str), email.as_ref().map(Email::as_str)];
        let named: Vec<&str> = named.into_iter().flatten().collect();
        let chosen = self.password.choose(passwords.min_length, &named)?;
        let account = NewAccount {
            username,
            email,
            email_verified: self.email_verified,
            roles: self.role,
            permissions: self.permission,
            claims: claim::collect(self.claim),
            password: Some(chosen.password.clone()),
            disabled: false,
        };
        let user = add_user(vestibule, account, &Acting::operator(vestibule.clock.now())).await?;
        output::print(&format!("added {} ({}){}", display_name(&user), user.id, chosen.announcement()))
    }
}

/// Returns the username and the email address of the new user. Fails if both arguments are email addresses.
fn names(name: Identifier, email: Option<Email>) -> Result<(Option<Username>, Option<Email>), Failure> {
    match (name, email) {
        (Identifier::Username(name), email) => {
            let username = Username::parse(name.as_str()).map_err(|wrong| Failure::new(format!("the name {wrong}")))?;
            Ok((Some(username), email))
        }
        (Identifier::Email(email), None) => Ok((None, Some(email))),
        (Identifier::Email(_), Some(_)) => {
            Err(Failure::new("the name is an email already; use a user name with --email, or leave --email out"))
        }
    }
}

/// Returns the failure for a missing name: its field and the message.
fn missing((field, message): (&str, &str)) -> Failure {
    Failure::new(format!("{field} {message}, according to the setting username_field"))
}

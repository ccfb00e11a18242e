//! `vestibule user invite` and `vestibule user reset`: links with which a user chooses a password.

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{self, Format},
        user_arg::{UserArg, display_name},
    },
    domain::{Email, Identifier, User, Username, one_time::LinkPurpose},
    flows::{
        Vestibule,
        links::create_link::create_link,
        steps::{acting::Acting, names::check_names},
        users::add_user::{NewAccount, add_user},
    },
    store::users,
};

/// The arguments of `invite`.
#[derive(Args)]
pub(in crate::cli) struct Invite {
    /// Username or email address of an account without a password, or of a new one
    #[arg(value_parser = Identifier::parse)]
    name: Identifier,
    /// Email address of a new account, in addition to a username
    #[arg(long, value_parser = Email::parse)]
    email: Option<Email>,
    #[command(flatten)]
    format: Format,
}

/// The arguments of `reset`.
#[derive(Args)]
pub(in crate::cli) struct Reset {
    /// Username, email address or id
    #[arg(value_parser = UserArg::parse)]
    name: UserArg,
    #[command(flatten)]
    format: Format,
}

impl Invite {
    /// Creates the account if it does not exist, and prints a link with which its user chooses a first password.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let found = users::find_by_identifier(&mut *vestibule.store.read().await?, &self.name).await?;
        let user = match found {
            Some(_) if self.email.is_some() => {
                return Err(Failure::new(
                    "there is such a user already; leave --email out, or change it with user set",
                ));
            }
            Some(user) => user,
            None => create(vestibule, self.name, self.email).await?,
        };
        print_link(vestibule, &user, LinkPurpose::Invite, &self.format).await
    }
}

impl Reset {
    /// Prints a link with which the user chooses a new password. The present password works until the link is used.
    pub(super) async fn run(self, vestibule: &Vestibule) -> Result<(), Failure> {
        let user = self.name.find(vestibule).await?;
        print_link(vestibule, &user, LinkPurpose::Reset, &self.format).await
    }
}

/// Creates an account without a password.
async fn create(vestibule: &Vestibule, name: Identifier, email: Option<Email>) -> Result<User, Failure> {
    let (username, email) = match (name, email) {
        (Identifier::Username(name), email) => {
            let username = Username::parse(name.as_str()).map_err(|wrong| Failure::new(format!("the name {wrong}")))?;
            (Some(username), email)
        }
        (Identifier::Email(email), None) => (None, Some(email)),
        (Identifier::Email(_), Some(_)) => {
            return Err(Failure::new(
                "the name is an email already; use a user name with --email, or leave --email out",
            ));
        }
    };
    let field = vestibule.config.passwords.username_field;
    check_names(field, username.is_some(), email.is_some()).map_err(|(field, message)| {
        Failure::new(format!("{field} {message}, according to the setting username_field"))
    })?;
    let account = NewAccount {
        username,
        email,
        email_verified: false,
        roles: Vec::new(),
        permissions: Vec::new(),
        claims: serde_json::Map::new(),
        password: None,
        disabled: false,
    };
    Ok(add_user(vestibule, account, &Acting::operator(vestibule.clock.now())).await?)
}

/// Creates a link and prints it.
async fn print_link(vestibule: &Vestibule, user: &User, purpose: LinkPurpose, format: &Format) -> Result<(), Failure> {
    let acting = Acting::operator(vestibule.clock.now());
    let link = create_link(vestibule, user.id, purpose, &acting).await?;
    if format.json {
        let made = serde_json::json!({"user": user.id.to_string(), "url": link.url, "expires_at": link.expires_at});
        return output::print_json(&made);
    }
    output::print(&format!(
        "send this link to {}; it works once, until {}, and is not shown again:\n{}",
        display_name(user),
        link.expires_at,
        link.url
    ))
}

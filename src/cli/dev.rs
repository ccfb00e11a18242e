//! `vestibule dev`: the server with the profile `dev`, for prototyping a front end. It has a sample user.

use clap::Args;

use crate::{
    cli::{Failure, listen::ListenArgs},
    config::Flags,
    domain::{Email, Identifier, password::Password},
    flows::{
        Vestibule,
        steps::{acting::Acting, verify_password},
        users::add_user::{NewAccount, add_user},
    },
    store::users,
};

/// The note that is printed at every start.
pub(super) const WARNING: &str =
    "profile dev, not for production: anybody can register, cookies need no https, any local page may call the API";

/// The email address of the sample user, who is created at the first start.
const SAMPLE: &str = "test@example.com";

/// The arguments of `vestibule dev`.
#[derive(Args)]
pub(super) struct Dev {
    #[command(flatten)]
    listen: ListenArgs,
    /// Allow listening on an address that other machines can reach
    #[arg(long)]
    allow_remote: bool,
}

impl Dev {
    /// Returns `flags` with the values of these arguments.
    pub(super) fn apply_to(&self, flags: Flags) -> Flags {
        Flags { allow_remote: self.allow_remote, ..self.listen.apply_to(flags) }
    }
}

/// Creates the sample user if there is no user with this email address. Returns the line for the operator with the user's email
/// address. The line contains the password only if it is still the original password.
pub(super) async fn sample_user(vestibule: &Vestibule) -> Result<String, Failure> {
    let email = Email::parse(SAMPLE).map_err(Failure::new)?;
    let secret = vestibule.sample_password();
    let password = Password::parse(&secret).map_err(Failure::new)?;
    let mut reader = vestibule.store.read().await?;
    let existing = users::find_by_identifier(&mut reader, &Identifier::Email(email.clone())).await?;
    drop(reader);
    let is_original = match existing {
        Some(user) => verify_password::find_matching_hash(vestibule, user.id, &password).await?.is_some(),
        None => {
            add_user(vestibule, account(email, password), &Acting::operator(vestibule.clock.now())).await?;
            true
        }
    };
    Ok(if is_original {
        format!("sample user: {SAMPLE}  password: {secret}")
    } else {
        format!("sample user: {SAMPLE}  password: changed since the first start")
    })
}

/// Returns the account of the sample user: an email address and a password, no roles.
fn account(email: Email, password: Password) -> NewAccount {
    NewAccount {
        username: None,
        email: Some(email),
        email_verified: false,
        roles: Vec::new(),
        permissions: Vec::new(),
        claims: serde_json::Map::new(),
        password: Some(password),
        disabled: false,
    }
}

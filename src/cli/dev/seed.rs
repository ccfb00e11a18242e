//! The file of `vestibule dev --seed`: roles and users, fixed for the tests of a front end.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::accounts::add_unless_present;
use crate::{
    cli::Failure,
    domain::{Email, Permission, RoleName, Username, password::Password},
    files::read_text,
    flows::{
        Vestibule,
        roles::set_role::{RoleChange, set_role},
        steps::acting::Acting,
        users::add_user::NewAccount,
    },
};

/// The content of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The permissions of each role.
    #[serde(default)]
    roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    users: Vec<SeededUser>,
}

/// A user as the file describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeededUser {
    username: Option<String>,
    email: Option<String>,
    password: String,
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    claims: serde_json::Map<String, serde_json::Value>,
}

/// The roles and users of a file, checked.
pub(in crate::cli) struct Seed {
    path: PathBuf,
    roles: Vec<(RoleName, BTreeSet<Permission>)>,
    users: Vec<NewAccount>,
}

impl Seed {
    /// Reads a file. Fails if it can't be read, is not TOML, has an unknown key, or contains a value that is not possible.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failure = |message: String| Failure::new(format!("{}: {message}", path.display()));
        let text = read_text(path).map_err(failure)?;
        let content: Content = toml::from_str(&text).map_err(|error| failure(of_toml(&error, &text)))?;
        let mut roles = Vec::new();
        for (name, permissions) in content.roles {
            let permissions = permissions.iter().map(|one| Permission::parse(one)).collect::<Result<_, _>>();
            let role = RoleName::parse(&name).and_then(|role| Ok((role, permissions?)));
            roles.push(role.map_err(|error| failure(format!("role {name:?}: {error}")))?);
        }
        let users = content.users.into_iter().enumerate().map(|(index, user)| {
            let shown = user.username.clone().or_else(|| user.email.clone()).unwrap_or_default();
            account(user).map_err(|error| failure(format!("user {} {shown:?}: {error}", index + 1)))
        });
        let users = users.collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_owned(), roles, users })
    }

    /// Sets the permissions of the roles, and creates the users who do not exist; users who exist stay as they are. Returns the
    /// line for the operator.
    pub(super) async fn create(&self, vestibule: &Vestibule) -> Result<Vec<String>, Failure> {
        let acting = Acting::operator(vestibule.clock.now());
        for (role, permissions) in &self.roles {
            let change = RoleChange::Set(permissions.clone());
            set_role(vestibule, role.clone(), change, &acting).await.map_err(|error| Failure::of(&error))?;
        }
        let (total, mut added) = (self.users.len(), 0);
        for account in &self.users {
            added += usize::from(add_unless_present(vestibule, account.clone()).await?.is_none());
        }
        Ok(vec![format!("users in {}: {total}, new: {added}", self.path.display())])
    }
}

/// Returns the line and the message of an error. The whole text of the error quotes the file, which contains passwords.
fn of_toml(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    format!("line {}: {message}", before.matches('\n').count() + 1)
}

/// Returns the account that the file describes, or what is wrong.
fn account(user: SeededUser) -> Result<NewAccount, String> {
    if user.username.is_none() && user.email.is_none() {
        return Err("needs a username or an email".to_owned());
    }
    let text = |field: &'static str| move |error| format!("{field} {error}");
    Ok(NewAccount {
        username: user.username.as_deref().map(Username::parse).transpose().map_err(text("username"))?,
        email: user.email.as_deref().map(Email::parse).transpose().map_err(text("email"))?,
        email_verified: user.email_verified,
        roles: user.roles.iter().map(|one| RoleName::parse(one)).collect::<Result<_, _>>().map_err(text("role"))?,
        permissions: user
            .permissions
            .iter()
            .map(|one| Permission::parse(one))
            .collect::<Result<_, _>>()
            .map_err(text("permission"))?,
        claims: user.claims,
        password: Some(Password::parse(&user.password).map_err(text("password"))?),
        disabled: user.disabled,
    })
}

/// Reads the file at `path`, whose content is `data`, for `crate::fuzzing`. No message contains a password: the text
/// `hunter2$`, if it is in the file once, as a password.
#[cfg(any(test, fuzzing))]
pub(crate) fn check_seed(path: &Path, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let is_password = |line: &str| line.starts_with("password = ") && line.contains("hunter2$");
    if let Err(failure) = Seed::read(path)
        && text.matches("hunter2$").count() == 1
        && text.lines().any(is_password)
    {
        assert!(!format!("{failure:?}").contains("hunter2$"), "{failure:?}");
    }
}

//! The sample users: one without a role, one with a role, and an admin. They have the same password.

use std::collections::BTreeSet;

use super::accounts::add_unless_present;
use crate::{
    cli::Failure,
    domain::{Email, Permission, RoleName, password::Password, permission::ADMIN_ROLE},
    flows::{
        Vestibule,
        roles::set_role::{RoleChange, set_role},
        steps::{acting::Acting, verify_password},
        users::add_user::NewAccount,
    },
    store::roles,
};

/// The email addresses of the sample users, each with a role or none. The first is in the contract.
const SAMPLES: [(&str, Option<&str>); 3] =
    [("test@example.com", None), ("editor@example.com", Some(EDITOR)), ("admin@example.com", Some(ADMIN_ROLE))];

/// The role of a sample user, with its permissions.
const EDITOR: &str = "editor";
const OF_EDITOR: [&str; 2] = ["notes:read", "notes:write"];

/// Creates the sample users who do not exist. Returns a line for each, with the email address. The line contains the password
/// only if it is still the original password.
pub(super) async fn create(vestibule: &Vestibule) -> Result<Vec<String>, Failure> {
    create_editor_role(vestibule).await?;
    let mut lines = Vec::new();
    for (address, role) in SAMPLES {
        let secret = vestibule.sample_password();
        let shown = if create_one(vestibule, address, role, &secret).await? {
            format!("password: {secret}")
        } else {
            "password: changed since the first start".to_owned()
        };
        let role = role.map(|role| format!("  role: {role}")).unwrap_or_default();
        lines.push(format!("sample user: {address}  {shown}{role}"));
    }
    Ok(lines)
}

/// Creates the role of the editor, unless there is one of this name.
async fn create_editor_role(vestibule: &Vestibule) -> Result<(), Failure> {
    if roles::find_all(&mut *vestibule.store.read().await?).await?.has(EDITOR) {
        return Ok(());
    }
    let permissions =
        OF_EDITOR.into_iter().map(Permission::parse).collect::<Result<BTreeSet<_>, _>>().map_err(Failure::new)?;
    let name = RoleName::parse(EDITOR).map_err(Failure::new)?;
    let acting = Acting::operator(vestibule.clock.now());
    set_role(vestibule, name, RoleChange::Set(permissions), &acting).await.map_err(|error| Failure::of(&error))?;
    Ok(())
}

/// Creates a user, unless there is one with this email address. Returns whether the user has the password.
async fn create_one(vestibule: &Vestibule, address: &str, role: Option<&str>, secret: &str) -> Result<bool, Failure> {
    let email = Email::parse(address).map_err(Failure::new)?;
    let password = Password::parse(secret).map_err(Failure::new)?;
    let account = NewAccount {
        username: None,
        email: Some(email),
        email_verified: false,
        roles: role.map(RoleName::parse).transpose().map_err(Failure::new)?.into_iter().collect(),
        permissions: Vec::new(),
        claims: serde_json::Map::new(),
        password: Some(password.clone()),
        disabled: false,
    };
    match add_unless_present(vestibule, account).await? {
        Some(user) => Ok(verify_password::find_matching_hash(vestibule, user.id, &password).await?.is_some()),
        None => Ok(true),
    }
}
